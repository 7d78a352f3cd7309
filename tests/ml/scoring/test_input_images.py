"""The files of --input: each is an image or has a reason, and none is written."""

import os
from pathlib import Path

import pytest

from ml.errors import UserError
from ml.scoring import input_images
from tests.radiograph.dicom_files import dataset, saved

from ..conftest import write_image


def outcomes(folder: Path) -> dict[str, bytes | str]:
    """Return the standardised image of each file of a folder, or its reason."""
    read = input_images.reader(str(folder))
    return {
        image.name: input_images.standardised_or_reason(image, read, "squash")
        for image in input_images.list_images(str(folder))
    }


def test_each_file_of_a_folder_is_an_image_or_has_a_reason(tmp_path: Path) -> None:
    folder = tmp_path / "images"
    write_image(folder / "a.jpeg", 0)
    write_image(folder / "deep/er/no suffix", 1)
    write_image(tmp_path / "elsewhere/b.jpeg", 2)
    (folder / "linked").symlink_to(tmp_path / "elsewhere")
    (folder / "IM000001").write_bytes(saved(dataset()))
    (folder / "lateral.dcm").write_bytes(saved(dataset(ViewPosition="LATERAL")))
    (folder / "notes.txt").write_text("a text")
    (folder / "empty.png").write_bytes(b"")
    (folder / "gone.png").symlink_to(tmp_path / "gone")
    (folder / "above").symlink_to(tmp_path)
    os.mkfifo(folder / "pipe.png")
    for name in (".DS_Store", "Thumbs.db", "__MACOSX/._a.jpeg"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"x")
    results = outcomes(folder)
    assert {name for name, result in results.items() if isinstance(result, bytes)} == {
        "a.jpeg", "deep/er/no suffix", "linked/b.jpeg", "IM000001",
    }  # fmt: skip
    reasons = {name: result for name, result in results.items() if isinstance(result, str)}
    assert sorted(reasons) == ["empty.png", "gone.png", "lateral.dcm", "notes.txt", "pipe.png"]
    assert all(reasons.values())
    assert "LATERAL" in reasons["lateral.dcm"]
    assert "not a regular file" in reasons["pipe.png"]


@pytest.mark.parametrize("output", ["images/scores.csv", "images/a.jpeg", "images/deep/x.csv", "to images/scores.csv"])
def test_scores_are_not_written_into_the_folder_of_the_images(tmp_path: Path, output: str) -> None:
    write_image(tmp_path / "images/a.jpeg", 0)
    write_image(tmp_path / "images/deep/b.jpeg", 0)
    (tmp_path / "to images").symlink_to(tmp_path / "images")
    with pytest.raises(UserError, match=r"--output .*--input") as caught:
        input_images.refuse_output(str(tmp_path / "images"), tmp_path / output)
    assert caught.value.code == 2


def test_scores_are_not_written_into_a_folder_that_is_linked_from_the_images(tmp_path: Path) -> None:
    write_image(tmp_path / "elsewhere/b.jpeg", 0)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/linked").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UserError, match=r"--output .*--input"):
        input_images.refuse_output(str(tmp_path / "images"), tmp_path / "elsewhere/scores.csv")
    input_images.refuse_output(str(tmp_path / "images"), tmp_path / "scores.csv")
