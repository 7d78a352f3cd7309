"""`python -m ml.prepare` from a folder to S3: complete, repeatable, and never half a version."""

import hashlib
import io
import json
import resource
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from localaws.image_classification import records
from ml.aws.s3 import Bucket
from ml.dataset import upload, version
from ml.dataset.assembling import DatasetSettings
from ml.dataset.split import Splits
from ml.errors import UserError
from tests.localaws.server.builders import Server

from .conftest import enter_account, enter_project, write_collection, write_image
from .dataset_builders import contents, etags, radiograph, run

pytestmark = pytest.mark.usefixtures("aws", "project")


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A source that is just large enough for one batch of validation."""
    return write_collection(tmp_path_factory.mktemp("few") / "images", images=12)


@dataclass(frozen=True)
class Prepared:
    """The bucket after the first preparation of the source, and the source's digest before it."""

    digest: str
    etags: dict[str, str]
    inside: dict[str, bytes]
    dataset: dict[str, Any]


@pytest.fixture(scope="module")
def prepared(few: Path, server: Server, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    before = digest(few)
    with pytest.MonkeyPatch.context() as patch:
        enter_account(server, patch)
        enter_project(tmp_path_factory.mktemp("prepared") / "project", patch)
        assert run(few) == 0
        _, inside, dataset = contents()
        return Prepared(before, etags(), dict(inside), dataset)


def digest(folder: Path) -> str:
    sha256 = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        sha256.update(str(path).encode() + (path.read_bytes() if path.is_file() else b""))
    return sha256.hexdigest()


def test_the_source_stays_as_it_was(few: Path, prepared: Prepared) -> None:
    assert digest(few) == prepared.digest


def test_every_line_of_the_lists_has_its_image_and_every_image_is_224_square(prepared: Prepared) -> None:
    inside, dataset = prepared.inside, prepared.dataset
    for split in ("train", "validation_perturbed"):
        lines = inside[f"{split}_lst/{split}.lst"].decode().splitlines()
        for number, line in enumerate(lines):
            index, label, path = line.split("\t")
            assert int(index) == number
            assert path.split("/")[0] == ("NORMAL", "PNEUMONIA")[int(label)]
            assert f"{split}/{path}" in inside
        if split == "train":
            assert len(lines) == dataset["training_samples"] == 2 * sum(dataset["counts"]["train"].values())
    for key, body in inside.items():
        if key.endswith(".jpg"):
            with Image.open(io.BytesIO(body)) as image:
                assert (image.size, image.mode) == ((224, 224), "RGB"), key


def test_each_validation_image_is_there_perturbed_under_its_own_name(prepared: Prepared) -> None:
    inside = prepared.inside
    clean = {key.removeprefix("validation/") for key in inside if key.startswith("validation/")}
    perturbed = {key.removeprefix("validation_perturbed/") for key in inside if key.startswith("validation_perturbed/")}
    assert clean == perturbed
    assert all(inside[f"validation/{name}"] != inside[f"validation_perturbed/{name}"] for name in clean)


def test_another_run_from_nothing_makes_the_same_and_a_further_run_sends_nothing(
    few: Path, prepared: Prepared, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    elsewhere = ["--work", str(tmp_path / "elsewhere")]
    assert run(few, *elsewhere) == 0
    assert etags() == prepared.etags
    capsys.readouterr()
    assert run(few, *elsewhere) == 0
    assert "no objects sent" in capsys.readouterr().out
    assert etags() == prepared.etags


def test_other_settings_are_other_versions() -> None:
    settings = asdict(DatasetSettings(0, 0.125, 0.2, 32, 3, False, "squash", "lst"))
    others = {"seed": 1, "validation_fraction": 0.3, "test_fraction": 0.3, "batch_size": 8, "augment": 1,
              "balance": True, "resize_mode": "pad", "format": "recordio", "views": "all"}  # fmt: skip
    assert others.keys() == settings.keys()
    splits: Splits = {"train": [radiograph("a.jpg", 0, None)], "validation": [], "test": []}
    versions = {
        version.describe("images", splits, settings | {name: value}, 4, None)["version"]
        for name, value in [("seed", 0), *others.items()]
    }
    assert len(versions) == 1 + len(others)


def test_record_files_replace_the_training_images_and_the_lists(few: Path, prepared: Prepared, tmp_path: Path) -> None:
    images = prepared.inside
    assert run(few, "--format", "recordio") == 0
    _, inside, _ = contents()
    assert {key.split("/")[0] for key in inside if key.count("/")} == {
        "recordio", "validation", "validation_perturbed", "test",
    }  # fmt: skip
    for split in ("train", "validation_perturbed"):
        path = tmp_path / f"{split}.rec"
        path.write_bytes(inside[f"recordio/{split}/{split}.rec"])
        decoded = [record[24:] for record in records.read_records(path)]
        lines = images[f"{split}_lst/{split}.lst"].decode().splitlines()
        assert decoded == [images[f"{split}/" + line.split("\t")[2]] for line in lines]
        assert len(inside[f"recordio/index/{split}.idx"].splitlines()) == len(lines)


def test_padding_keeps_the_images_proportions(few: Path) -> None:
    assert run(few, "--resize-mode", "pad") == 0
    inside = contents()[1]
    key = next(key for key in sorted(inside) if key.startswith("test/NORMAL"))
    with Image.open(io.BytesIO(inside[key])) as image:
        rows = image.convert("L").resize((1, 224))
    # 90 x 80 pixels become 224 x 199: a band of black above and below.
    assert (rows.getpixel((0, 4)), rows.getpixel((0, 219))) == (0, 0), key
    assert rows.getpixel((0, 112)) > 20


def test_balancing_repeats_the_smaller_class_in_the_list(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "images", 12)
    for index in range(18):
        write_image(folder / f"train/PNEUMONIA/person{500 + index}_virus_{index}.jpeg", 9000 + index)
    assert run(folder, "--balance") == 0
    _, inside, dataset = contents()
    labels = [line.split("\t")[1] for line in inside["train_lst/train.lst"].decode().splitlines()]
    assert labels.count("0") == labels.count("1")
    assert len(labels) == dataset["training_samples"]


def test_an_interrupted_upload_leaves_no_version_to_train_on_and_is_resumed(
    few: Path, prepared: Prepared, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(bucket: Bucket, prefix: str, keys: Sequence[str], files: Mapping[str, Path]) -> None:
        original(bucket, prefix, keys[:30], files)
        raise KeyboardInterrupt

    original = upload.send_files
    with monkeypatch.context() as patch:
        patch.setattr(upload, "send_files", broken)
        assert run(few) == 130
    assert len(etags()) == 30
    with pytest.raises(UserError, match=r"no data set; run `python -m ml\.prepare` first"):
        upload.read_version("images", None)
    capsys.readouterr()
    assert run(few) == 0
    assert f"{len(prepared.etags) - 30} objects sent" in capsys.readouterr().out
    assert etags() == prepared.etags


def test_unusable_files_are_listed_with_their_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_collection(tmp_path / "images", 12)
    (folder / "train/NORMAL/notes.txt").write_text("no image")
    assert run(folder) == 0
    assert "notes.txt: Received a text" in capsys.readouterr().err
    assert json.loads(contents()[1]["report.json"])["rejects"] == {"unsupported_format": 1}


def test_too_many_unusable_files_stop_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_collection(tmp_path / "images", 12)
    for index in range(10):
        (folder / f"train/NORMAL/notes{index}.txt").write_text("no image")
    assert run(folder) == 1
    assert "more than --max-reject-fraction 0.05 allows" in capsys.readouterr().err
    assert etags() == {}


def test_no_path_of_the_source_leaves_the_machine(few: Path, prepared: Prepared) -> None:
    for key, body in prepared.inside.items():
        assert str(few.parent).encode() not in body, key


@pytest.mark.parametrize(
    ("option", "allowed"),
    [
        (["--augment", "99"], "from 0 to 20"),
        (["--validation-fraction", "2"], "from 0.0001 to 0.9999"),
        (["--batch-size", "0"], "from 1 to 10000"),
    ],
)
def test_wrong_usage_ends_with_2_and_the_allowed_values(
    few: Path, option: list[str], allowed: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(few, *option) == 2
    assert allowed in capsys.readouterr().err


def test_a_stage_that_is_not_deployed_is_named_with_the_remedy(few: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(few, "--stage", "unknown") == 1
    message = capsys.readouterr().err
    assert "Pneumonia-unknown-Storage" in message
    assert "cdk deploy" in message


def test_a_full_disk_ends_in_a_sentence_and_the_next_run_goes_on(
    few: Path, prepared: Prepared, capsys: pytest.CaptureFixture[str]
) -> None:
    """A limit on the size of files stands in for a disk that is full: the write fails in the same place."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        assert run(few) == 1
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    message = capsys.readouterr().err
    assert "Error: File too large" in message
    assert "Traceback" not in message
    assert etags() == {}
    assert run(few) == 0
    assert etags() == prepared.etags
