"""A model's archive is unpacked below its folder and nowhere else."""

import io
import tarfile
from pathlib import Path

import pytest

from localaws.sagemaker.container.model_files import unpack


def archive(*members: tarfile.TarInfo) -> tarfile.TarFile:
    """Return an open archive of these members, each file with its own name as content."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as files:
        for member in members:
            content = member.name.encode()
            member.size = len(content) if member.isreg() else 0
            files.addfile(member, io.BytesIO(content))
    buffer.seek(0)
    return tarfile.open(fileobj=buffer, mode="r:gz")


def member(name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def test_files_and_folders_arrive(tmp_path: Path) -> None:
    with archive(member("code", tarfile.DIRTYPE), member("code/serve.py"), member("./model.onnx")) as files:
        unpack(files, tmp_path)
    assert (tmp_path / "code/serve.py").read_text() == "code/serve.py"
    assert (tmp_path / "model.onnx").is_file()


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
    folder = tmp_path / "model"
    folder.mkdir()
    with archive(bad) as files, pytest.raises(ValueError, match="not a plain file"):
        unpack(files, folder)
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert list(folder.iterdir()) == []
