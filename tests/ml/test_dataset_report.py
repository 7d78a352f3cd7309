"""The data set's report as a page: names stay text, and a number without an interval has none."""

import math
import re
from html import unescape
from typing import Any

import pytest
from jinja2 import UndefinedError

from ml.dataset.report import audit, html

from .builders import encoded_images

COUNTS = {"train": {"NORMAL": 1200, "PNEUMONIA": 100}, "test": {"NORMAL": 10, "PNEUMONIA": 20}}


def report(**changes: Any) -> dict[str, Any]:
    areas = audit.audit(encoded_images(shortcut=True))
    values = {
        "name": "images",
        "version": "0123",
        "settings": {"seed": 0},
        "counts": COUNTS,
        "collection": None,
        "patients": {"train": 650, "test": 15},
        "unknown_patients": {"train": 0, "test": 0},
        "shared": {"patients": 0, "pictures": 0, "known": 1330, "images": 1330},
        "subtypes": {"train": {"im": 1200, "virus": 100}, "test": {"im": 10, "virus": 15, "unknown": 5}},
        "training_samples": 2600,
        "files": {"found": 1332, "images": 1330, "duplicates": 0, "left_out": 2, "ignored": 0},
        "rejects": {"outside_layout": 2},
        "audit": areas,
        "verdict": audit.verdict(areas),
    }
    return values | changes


def test_names_cannot_become_markup() -> None:
    name = "<script>alert(1)</script>"
    page = html(report(name=name, settings={name: name}, rejects={name: 1}), {name: f'data:,"{name}'})
    assert "<script" not in page
    assert unescape(page).count(name) == 8
    assert set(re.findall(r'(?:src|href)="([a-z]+:|#)', page)) == {"data:"}


def test_the_tables_show_every_split_and_subtype() -> None:
    page = html(report(), {})
    assert "<td>train</td><td>1,200</td><td>100</td><td>650</td><td>0</td>" in page
    assert '<th scope="col">im</th><th scope="col">unknown</th><th scope="col">virus</th>' in page
    assert "<td>test</td><td>10</td><td>5</td><td>15</td>" in page
    assert "<td>outside_layout</td><td>2</td>" in page


def test_an_undefined_area_has_no_interval() -> None:
    undefined = {"value": math.nan, "low": math.nan, "high": math.nan, "n": 1, "unit": "images"}
    page = html(report(audit={"before": {"width": undefined}, "after": {}}), {})
    assert "<td>width</td><td>before</td><td>undefined</td><td></td><td>1 images</td><td></td>" in page


def test_a_value_that_the_template_misses_is_an_error() -> None:
    values = report()
    del values["version"]
    with pytest.raises(UndefinedError, match="version"):
        html(values, {})
