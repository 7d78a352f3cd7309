"""RecordIO channels: a file that cannot be read is named."""

from pathlib import Path

import pytest

from localaws.image_classification.errors import ClientError
from localaws.image_classification.records import read_channel
from ml.dataset import recordio

from .builders import image


def channel(root: Path) -> Path:
    """Write the channel train of one record; return its folder."""
    folder = root / "input/data/train"
    folder.mkdir(parents=True)
    image(0, seed=0).save(root / "0.jpg")
    recordio.write([(0, root / "0.jpg")], folder / "train.rec")
    return folder


@pytest.mark.parametrize("kept_bytes", [4, 100, -4])
def test_a_cut_record_file_is_refused(tmp_path: Path, kept_bytes: int) -> None:
    path = channel(tmp_path) / "train.rec"
    path.write_bytes(path.read_bytes()[:kept_bytes])
    with pytest.raises(ClientError, match=r"train\.rec ends within a record"):
        read_channel(tmp_path, "train", 2)


def test_a_file_that_is_not_recordio_is_refused(tmp_path: Path) -> None:
    (channel(tmp_path) / "train.rec").write_bytes(b"index,label,path\n")
    with pytest.raises(ClientError, match=r"train\.rec .* is not a RecordIO file"):
        read_channel(tmp_path, "train", 2)


def test_a_channel_holds_exactly_one_record_file(tmp_path: Path) -> None:
    folder = channel(tmp_path)
    (folder / "train.rec").rename(folder / "a.rec")
    (folder / "b.rec").touch()
    with pytest.raises(ClientError, match="found 2"):
        read_channel(tmp_path, "train", 2)
