"""Score the splits of a data set by batch transform."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from ml import aws, batch, scores

Found = TypeVar("Found")


def split_probabilities(
    split: str, model: str, bucket: str, dataset: Mapping[str, Any], instance_type: str
) -> tuple[dict[str, float], list[str]]:
    """Transform one split of a data set.

    Returns:
        probability of pneumonia by file, and what is missing: SageMaker's reason first, then a sentence a film.
    """
    files = {
        film["file"].removeprefix(f"{split}/"): film["file"]
        for film in dataset["films"]
        if film["file"].startswith(f"{split}/")
    }
    print(f"Scoring {len(files)} {split.replace('_', ' ')} films ...", flush=True)
    prefix = f"s3://{bucket}/datasets/{dataset['name']}/{dataset['version']}/{split}/"
    outputs, reason = batch.run(model, prefix, f"s3://{bucket}/transform", instance_type)
    found, missing = read_outputs(list(files), outputs, len(dataset["classes"]))
    faults = [f"{split}/{name}: {why}" for name, why in missing.items()]
    if reason:
        faults.insert(0, reason)
    return {files[name]: probability for name, probability in found.items()}, faults


def read_outputs(
    names: Sequence[str], outputs: Mapping[str, str], classes: int
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the probability of pneumonia by name, and for each name without one the reason."""
    matched, unmatched = scores.match(names, outputs)
    found, missing = {}, dict.fromkeys(unmatched, "no output")
    for name, text in matched.items():
        try:
            found[name] = scores.parse_output(text, classes)[1]
        except (ValueError, TypeError) as error:
            missing[name] = str(error)
    return found, missing


def fetch(bucket: str, dataset: Mapping[str, Any], files: Sequence[str]) -> dict[str, bytes]:
    """Return objects of a data set by their file."""
    prefix = f"datasets/{dataset['name']}/{dataset['version']}"
    return dict(zip(files, over(bucket, [f"{prefix}/{file}" for file in files], bytes), strict=True))


def over(bucket: str, keys: Sequence[str], function: Callable[[bytes], Found]) -> list[Found]:
    """Return what a function makes of each object, in the order of the keys; eight are read at a time."""
    s3 = aws.client("s3")

    def one(key: str) -> Found:
        body: bytes = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        return function(body)

    with ThreadPoolExecutor(8) as pool:
        return list(pool.map(one, keys))
