"""Lists: what is written is what is read, byte for byte the same each time, and the classes are mixed."""

import struct
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ml.dataset import formats
from ml.dataset.layout import Layout, lay_out, list_text
from ml.dataset.radiographs import Encoding, Radiograph
from ml.dataset.split import Splits

PATHS = st.text(
    st.characters(blacklist_characters="\t\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", codec="utf-8"), min_size=1
)


@given(st.lists(st.tuples(st.integers(0, 1), PATHS)))
def test_a_list_reads_back(examples: list[tuple[int, str]]) -> None:
    lines = [line.split("\t") for line in list_text(examples).splitlines()]
    assert lines == [[str(index), str(label), path] for index, (label, path) in enumerate(examples)]


def test_the_bytes_are_those_of_the_developer_guide() -> None:
    text = list_text([(0, "NORMAL/a.jpg"), (1, "PNEUMONIA/b.jpg")])
    assert text.encode() == b"0\t0\tNORMAL/a.jpg\n1\t1\tPNEUMONIA/b.jpg\n"


def splits(normal: int, pneumonia: int) -> Splits:
    """Return training and validation images sorted by class, as the split makes them."""
    stored = Encoding(1000, 90, 80, "L", 330)
    names = [(0, f"n{n:04d}") for n in range(normal)] + [(1, f"p{n:04d}") for n in range(pneumonia)]
    images = [Radiograph(Path(name), label, None, f"{name}.jpg", "", name, name, 900, stored) for label, name in names]
    return {"train": images, "validation": images, "test": []}


def laid_out(seed: int = 0, balance: bool = False) -> Layout:
    parts = splits(600, 1800)
    return lay_out(parts, 3, balance, seed, Path("work"))


@pytest.mark.parametrize("channel", ["train", "validation_perturbed"])
@pytest.mark.parametrize("balance", [False, True])
def test_no_part_of_a_list_is_of_one_class(channel: str, balance: bool) -> None:
    """The built-in algorithm mixes only what it has read at once, some 640 images."""
    labels = [label for label, _ in laid_out(balance=balance).channels[channel]]
    shares = [sum(labels[start : start + 640]) / 640 for start in range(len(labels) - 639)]
    overall = sum(labels) / len(labels)
    assert overall - 0.12 < min(shares) <= max(shares) < overall + 0.12


def test_the_copies_of_an_image_are_spread_over_the_list() -> None:
    stems = [path.split("/")[1][:5] for _, path in laid_out().channels["train"]]
    neighbours = sum(stem == following for stem, following in pairwise(stems))
    assert neighbours < len(stems) / 100


def test_the_same_seed_gives_the_same_bytes_and_another_seed_the_same_lines() -> None:
    first, again, other = laid_out(0), laid_out(0), laid_out(1)
    assert first.texts == again.texts
    assert first.texts["train_lst/train.lst"] != other.texts["train_lst/train.lst"]
    assert sorted(first.channels["train"]) == sorted(other.channels["train"])


def test_records_have_the_order_of_the_list(tmp_path: Path) -> None:
    layout = laid_out()
    small = tmp_path / "image.jpg"
    small.write_bytes(b"jpg")
    filled = replace(layout, files=dict.fromkeys(layout.files, small))
    records = formats.add_records(filled, tmp_path).files["recordio/train/train.rec"].read_bytes()
    labels = [struct.unpack_from("<f", records, start + 12)[0] for start in range(0, len(records), 36)]
    assert labels == [label for label, _ in layout.channels["train"]]
