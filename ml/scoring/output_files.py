"""Read batch transform's output: one .out object an image, in either of the algorithm's two forms."""

import json
import math
from collections.abc import Collection, Mapping

SUM_TOLERANCE = 1e-3
"""Allowed deviation of the sum of an image's probabilities from 1, as in `lambda/inference_proxy/prediction.py`."""
SUFFIX = ".out"


def parse_output(text: str, classes: int) -> list[float]:
    """Return the probabilities in a bare JSON array or in {"prediction": [...]}.

    Raises:
        ValueError: it is neither, or does not hold one probability for each class with a sum of 1.
    """
    try:
        parsed = json.loads(text.strip())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON: {text[:80]!r}") from error
    values = parsed.get("prediction") if isinstance(parsed, dict) else parsed
    if not isinstance(values, list) or len(values) != classes:
        raise ValueError(f"expected {classes} probabilities, received {text[:80]!r}")
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise ValueError(f"expected numbers, received {text[:80]!r}")
    # NaN fails the first comparison.
    if not all(0 <= value <= 1 for value in values) or abs(math.fsum(values) - 1) > SUM_TOLERANCE:
        raise ValueError(f"expected probabilities from 0 to 1 with a sum of 1, received {text[:80]!r}")
    return [float(value) for value in values]


def match(names: Collection[str], outputs: Mapping[str, str], source: str) -> tuple[dict[str, str], list[str]]:
    """Match images to outputs by whole paths.

    In a public run, SageMaker wrote the output of NORMAL/a.jpg to NORMAL/a.jpg.out below the output prefix. Its API
    reference puts the last folder of the input prefix in front. Either form is read, if all outputs of the job have it.
    Parts of paths never match: view1_frontal.jpg is the name of thousands of CheXpert images.

    Args:
        names: paths of the images below the input prefix.
        outputs: text by path below the output prefix.
        source: the input prefix, s3://BUCKET/FOLDERS/.

    Returns:
        output text by image, and the images without output.
    """
    folder = leading_folder(set(names), outputs, source)
    matched, missing = {}, []
    for name in names:
        text = outputs.get(f"{folder}{name}{SUFFIX}")
        if text is None:
            missing.append(name)
        else:
            matched[name] = text
    return matched, missing


def leading_folder(names: Collection[str], outputs: Mapping[str, str], source: str) -> str:
    """Return the folders of `source` in front of every output's path; "" if there are none."""
    folders = source.removeprefix("s3://").strip("/").split("/")[1:]
    for count in range(len(folders) + 1):
        folder = "".join(f"{part}/" for part in folders[len(folders) - count :])
        if all(key.startswith(folder) and key.removeprefix(folder).removesuffix(SUFFIX) in names for key in outputs):
            return folder
    return ""
