"""The validation images as drift compares them: probability and measures, stored beside the model's artifact.

No image is stored: the reference is promoted with the model, and the data set stays where it is.
"""

import csv
import io
from collections.abc import Mapping
from typing import Any

from ml.aws.s3 import Bucket, split_uri
from ml.drift.features import MEASURED, Sample, measure, pixels, sample
from ml.errors import UserError
from ml.evaluation.scored_split import ScoredSplit
from ml.progress import Progress
from ml.training import runs

NAME = "drift-reference.csv"
COLUMNS = ("patient", "model_probability", *MEASURED)
BATCH = 256


def store(entry: Mapping[str, Any], validation: ScoredSplit) -> None:
    """Measure the validation images and store the reference.

    Args:
        entry: the model's entry in cdk.context.json.
        validation: the images with the model's own probabilities.
    """
    bucket, resize_mode = Bucket(split_uri(entry["artifact"])[0]), entry["resize_mode"]
    keys = [f"datasets/{entry['dataset']}/{file}" for file in validation.files]
    measures, progress = [], Progress("Measured for drift", len(keys))
    for start in range(0, len(keys), BATCH):
        measures += bucket.map(lambda data: measure(pixels(data, resize_mode)), keys[start : start + BATCH])
        progress.advance(len(measures) - progress.done)
    progress.finish()
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(COLUMNS)
    for patient, score, values in zip(validation.patients, validation.scores.tolist(), measures, strict=True):
        writer.writerow([patient or "", repr(score), *map(repr, values)])
    runs.put(entry["artifact"], NAME, table.getvalue().encode())


def read(entry: Mapping[str, Any]) -> Sample:
    """Return the images on which the model's threshold was chosen.

    Raises:
        UserError: the model was not evaluated yet.
    """
    bucket, job = split_uri(entry["artifact"])[0], entry["training_job"]
    table = runs.get(bucket, job, NAME)
    if table is None:
        raise UserError(f"There is no {NAME} of {job} to compare with; run `python -m ml.transform` first.")
    rows = list(csv.DictReader(io.StringIO(table.decode())))
    return sample(
        [float(row["model_probability"]) for row in rows],
        [tuple(float(row[name]) for name in MEASURED) for row in rows],
        entry,
        [row["patient"] or None for row in rows],
    )
