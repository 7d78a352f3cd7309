"""Sources in S3: read over the network, resumed, and nothing kept but the standardised images."""

from pathlib import Path

import pytest

from ml.aws.s3 import Bucket
from tests.radiograph.dicom_files import chest, dataset, saved

from .conftest import write_collection, write_image
from .dataset_builders import contents, empty, run, s3

pytestmark = pytest.mark.usefixtures("aws", "project")
OWN = "hospital"


@pytest.fixture(autouse=True)
def bucket(aws: None) -> None:
    """Another bucket, empty."""
    if OWN not in {item["Name"] for item in s3().list_buckets()["Buckets"]}:
        s3().create_bucket(Bucket=OWN)
    empty(OWN)


def put(key: str, body: bytes) -> None:
    """Store an object of the source."""
    s3().put_object(Bucket=OWN, Key=key, Body=body)


def put_folder(folder: Path, prefix: str) -> None:
    """Store the files of a folder below a prefix."""
    for path in folder.rglob("*"):
        if path.is_file():
            put(f"{prefix}/{path.relative_to(folder)}", path.read_bytes())


def test_a_prefix_gives_the_data_set_that_its_folder_gives(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = write_collection(tmp_path / "images", 12)
    (folder / "train/NORMAL/.DS_Store").write_bytes(b"x")
    (folder / "LICENSE.txt").write_text("CC BY 4.0")
    (folder / "train/NORMAL/empty.jpeg").write_bytes(b"")
    assert run(folder) == 0
    of_folder = contents()[2]
    empty()
    put_folder(folder, "public/images")
    capsys.readouterr()
    work = tmp_path / "work"
    assert run("s3://hospital/public/images/", "--work", str(work)) == 0
    assert contents()[2] == of_folder
    printed = capsys.readouterr()
    assert "2 left out + 1 ignored by name" in printed.out
    assert "s3://hospital/public/images/train/NORMAL/empty.jpeg: " in printed.err
    files = [path.relative_to(work / "images") for path in work.rglob("*") if path.is_file()]
    assert {path.name for path in files if path.parts[0] != "standardised"} == {
        "report.html", "report.json", "baseline.json", "files.csv",
    }  # fmt: skip
    assert {path.suffix for path in files if path.parts[0] == "standardised"} == {".jpg", ".json"}


def test_a_second_run_reads_only_the_objects_that_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_folder(write_collection(tmp_path / "images", 12), "images")
    assert run("s3://hospital/images") == 0
    first = contents()[2]
    changed = [f"images/train/NORMAL/IM-0000-000{number}.jpeg" for number in (0, 1)]
    for seed, key in enumerate(changed):
        put(key, write_image(tmp_path / "changed.jpeg", 8000 + seed).read_bytes())
    log = tmp_path / "keys"
    original = Bucket.read

    def logged(bucket: Bucket, key: str, length: int | None = None) -> bytes:
        if length is None and bucket.name == OWN:
            with log.open("a") as file:
                file.write(f"{key}\n")
        return original(bucket, key, length)

    monkeypatch.setattr(Bucket, "read", logged)
    empty()
    assert run("s3://hospital/images") == 0
    assert sorted(log.read_text().split()) == changed
    second = contents()[2]
    pixels = [{image["pixels"] for image in content["images"]} for content in (first, second)]
    assert len(pixels[1] - pixels[0]) == len(pixels[0] - pixels[1]) == 2


def test_dicom_objects_are_known_by_their_tags_and_labelled_by_a_table_beside_them() -> None:
    lines = ["image_id,class_name"]
    for number in range(40):
        item = dataset(chest(number), PatientID=f"MRN-{number // 2}", StudyInstanceUID=f"1.2.{number // 2}")
        put(f"vindr/train/film{number}.dicom", saved(item))
        lines.append(f"film{number},{('No finding', 'Pneumonia')[number // 2 % 2]}")
    put("vindr/train.csv", "\n".join([*lines, "film99,Edema", "film98,Pneumonia"]).encode())
    assert run("s3://hospital/vindr/train.csv", "--name", "vindr") == 0
    _, inside, content = contents()
    assert sum(content["patients"].values()) == 20
    assert content["shared"] == {"patients": 0, "pictures": 0, "known": 40, "images": 40}
    assert not any(b"MRN" in body or b"film" in body for name, body in inside.items() if name.endswith(".json"))


def test_a_table_of_paths_names_objects_beside_it(tmp_path: Path) -> None:
    for number in range(40):
        write_image(tmp_path / f"images/deep/{number}.jpg", number)
    put_folder(tmp_path / "images", "set")
    lines = [f"deep/{number}.jpg,{number % 2},{number}" for number in range(40)]
    put("set/images.csv", "\n".join(["path,label,patient_id", *lines]).encode())
    assert run("s3://hospital/set/images.csv") == 0
    prefix, _, content = contents()
    assert prefix.startswith("datasets/images/")
    assert sum(content["patients"].values()) == 40


def test_no_line_of_a_table_in_s3_reads_outside_its_prefix_and_a_missing_object_is_a_reject(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(40):
        write_image(tmp_path / f"images/{number}.jpg", number)
    put_folder(tmp_path / "images", "set")
    lines = [f"/home/me/{number}.jpg,{number % 2},{number}" for number in range(40)]
    outside = ["/home/me/Doe_Jane.jpg", "~/Doe_Jane.jpg", "../../home/Doe_Jane.jpg", "..\\..\\Doe_Jane.jpg", ".."]
    lines += [f"{path},1,outside" for path in [*outside, "x" * 1100]]
    put("set/images.csv", "\n".join(["path,label,patient_id", *lines]).encode())
    log, original = tmp_path / "keys", Bucket.read

    def logged(bucket: Bucket, key: str, length: int | None = None) -> bytes:
        with log.open("a") as file:
            file.write(f"{bucket.name}/{key}\n")
        return original(bucket, key, length)

    monkeypatch.setattr(Bucket, "read", logged)
    code = run("s3://hospital/set/images.csv", "--max-reject-fraction", "0.5")
    printed = capsys.readouterr()
    assert code == 0, printed.err
    assert "set/home/me/Doe_Jane.jpg: " in printed.err
    assert sum(contents()[2]["patients"].values()) == 40
    requested = [key for key in log.read_text().splitlines() if not key.startswith("images/")]
    assert all(key.startswith("hospital/set/") and "/.." not in key for key in requested), requested


@pytest.mark.parametrize(
    ("source", "code", "message"),
    [
        ("s3://hospital/nothing", 2, "s3://hospital/nothing holds no folder"),
        ("s3://Hospital/x", 2, "s3://Hospital/x is not an S3 URI"),
        ("s3://no-such-bucket-here/x", 1, "bucket does not exist"),
    ],
)
def test_a_prefix_that_cannot_be_used_is_refused(
    source: str, code: int, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(source) == code
    assert message in capsys.readouterr().err
