"""Files with mutated headers are read or refused with a sentence, in every format."""

from __future__ import annotations

import random

import pytest

from benchmarks.hostile_headers import HEADER, mutated, originals
from radiograph import ImageError


@pytest.mark.parametrize("name", HEADER)
def test_a_mutated_header_is_read_or_refused_with_a_sentence(name: str) -> None:
    data, read = originals()[name]
    source = random.Random(1)  # noqa: S311 (repeatable files)
    refused = 0
    for _ in range(60):
        try:
            read(mutated(data, HEADER[name], source))
        except ImageError as error:
            refused += 1
            assert str(error).startswith("Received ")
    assert 0 < refused < 60
