"""A model's archive is unpacked below its folder and nowhere else."""

import io
import tarfile
from pathlib import Path

import pytest

from network import archive
from network.errors import InputError


def packed(path: Path, *members: tarfile.TarInfo) -> Path:
    """Write an archive of these members, each file with its own name as content."""
    with tarfile.open(path, mode="w:gz") as files:
        for member in members:
            content = member.name.encode()
            member.size = len(content) if member.isreg() else 0
            files.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_files_and_folders_arrive(tmp_path: Path) -> None:
    path = packed(
        tmp_path / "x.tar.gz", member("code", tarfile.DIRTYPE), member("code/serve.py"), member("./model.onnx")
    )
    assert archive.names(path) == ["code/serve.py", "model.onnx"]
    archive.unpack(path, tmp_path / "model")
    assert (tmp_path / "model/code/serve.py").read_text() == "code/serve.py"
    assert (tmp_path / "model/model.onnx").is_file()


def test_only_the_named_files_are_written(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    path = packed(tmp_path / "x.tar.gz", member("./model.onnx"), member("large.params"))
    archive.unpack(path, tmp_path / "model", ["model.onnx"])
    assert [file.name for file in (tmp_path / "model").iterdir()] == ["model.onnx"]


@pytest.mark.parametrize(
    "bad",
    [
        member("../outside"),
        member("/outside"),
        member("link", tarfile.SYMTYPE, "/etc/passwd"),
        member("link", tarfile.LNKTYPE, "model.onnx"),
        member("pipe", tarfile.FIFOTYPE),
    ],
    ids=lambda info: f"{info.name}-{info.type.decode()}",
)
def test_what_leads_out_or_is_no_file_is_refused(tmp_path: Path, bad: tarfile.TarInfo) -> None:
    path = packed(tmp_path / "x.tar.gz", bad)
    (tmp_path / "model").mkdir()
    with pytest.raises(InputError, match="not a plain file"):
        archive.unpack(path, tmp_path / "model")
    assert {file.name for file in tmp_path.iterdir()} == {"model", "x.tar.gz"}
    assert list((tmp_path / "model").iterdir()) == []


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    path = packed(tmp_path / "x.tar.gz", member("code"), member("code/serve.py"))
    with pytest.raises(InputError, match=r"not a complete \.tar\.gz"):
        archive.unpack(path, tmp_path / "model")
