"""Batch transform's output: one .out file an image, in either of the two shapes the algorithm writes."""

import json
import math
from collections.abc import Iterable, Mapping


def parse_output(text: str, classes: int) -> list[float]:
    """Return the probabilities in a bare JSON array or in {"prediction": [...]}.

    Raises:
        ValueError: it is neither, or has not one finite probability a class.
    """
    try:
        parsed = json.loads(text.strip())
    except ValueError as error:
        raise ValueError(f"not JSON: {text[:80]!r}") from error
    values = parsed.get("prediction") if isinstance(parsed, dict) else parsed
    if not isinstance(values, list) or len(values) != classes:
        raise ValueError(f"expected {classes} probabilities, received {text[:80]!r}")
    numbers = [float(value) for value in values]
    if not all(math.isfinite(value) and 0 <= value <= 1 for value in numbers):
        raise ValueError(f"expected probabilities from 0 to 1, received {text[:80]!r}")
    return numbers


def match(inputs: Iterable[str], outputs: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Match inputs, such as NORMAL/a.jpg, to output keys by the suffix of their path.

    SageMaker's documents disagree on whether sub-folders are kept, so a bare file name matches too.

    Returns:
        output text by input, and the inputs without output.
    """
    by_suffix = {}
    for key, text in outputs.items():
        parts = key.removesuffix(".out").split("/")
        for start in range(len(parts)):
            by_suffix["/".join(parts[start:])] = text
    matched: dict[str, str] = {}
    missing: list[str] = []
    for name in inputs:
        found = by_suffix.get(name, by_suffix.get(name.rsplit("/", 1)[-1]))
        if found is None:
            missing.append(name)
        else:
            matched[name] = found
    return matched, missing
