"""Lists: a line that cannot be used is named with its number."""

from pathlib import Path

import pytest

from network.errors import InputError
from network.lists import Example, read_list


def read(root: Path, lines: str) -> list[Example]:
    """Read a list of two classes for the images 0.jpg and 1.jpg."""
    images, lists = root / "train", root / "train_lst"
    for folder in (images, lists):
        folder.mkdir()
    for name in ("0.jpg", "1.jpg"):
        (images / name).touch()
    (lists / "train.lst").write_text(lines)
    return read_list(images, lists, 2)


def test_the_images_and_labels_keep_the_order_of_the_list(tmp_path: Path) -> None:
    examples = read(tmp_path, "7\t1\t1.jpg\n\n3\t0\t0.jpg\n")
    assert examples == [Example(tmp_path / "train/1.jpg", 1), Example(tmp_path / "train/0.jpg", 0)]


@pytest.mark.parametrize("line", ["0 1 0.jpg", "zero\t1\t0.jpg", "0\t0.5\t0.jpg", "0\t1\t/etc/passwd", "0\t1"])
def test_a_malformed_line_is_named_with_its_number(tmp_path: Path, line: str) -> None:
    with pytest.raises(InputError, match=r"train channel\. Line 2"):
        read(tmp_path, f"0\t0\t0.jpg\n{line}\n")


def test_a_label_beyond_the_classes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="label 2; num_classes=2 allows 0 to 1"):
        read(tmp_path, "0\t2\t0.jpg\n")


def test_a_missing_image_is_named_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"3\.jpg \(line 2\)"):
        read(tmp_path, "0\t0\t0.jpg\n1\t1\t3.jpg\n")


def test_a_channel_holds_exactly_one_list(tmp_path: Path) -> None:
    for expected in (0, 2):
        with pytest.raises(InputError, match=f"one .lst .*found {expected}"):
            read_list(tmp_path, tmp_path, 2)
        for name in ("a.lst", "b.lst"):
            (tmp_path / name).touch()
