"""Phantoms are reproducible, labelled, laid out like the public collection, and not separable by a single number."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from radiograph import standardise
from radiograph.phantom import draw, write_dataset
from radiograph.phantom.__main__ import main
from radiograph.phantom.dataset import MIN_IMAGES, plan


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("phantoms") / "images"
    write_dataset(folder, images=200, seed=11)
    return folder


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.jpeg"))}


def test_the_same_seed_draws_the_same_image_and_another_seed_another() -> None:
    assert draw(5, pneumonia=True).tobytes() == draw(5, pneumonia=True).tobytes()
    assert draw(5, pneumonia=True).tobytes() != draw(6, pneumonia=True).tobytes()


def test_images_of_one_person_differ_in_position_and_exposure() -> None:
    first, second = draw(5, pneumonia=False), draw(5, pneumonia=False, image=1)
    assert first.size != second.size


@pytest.mark.parametrize("seed", range(6))
def test_disease_shows_in_the_lungs_and_leaves_the_rest_of_the_image(seed: int) -> None:
    ill, well = (np.asarray(draw(seed, pneumonia=present), int) for present in (True, False))
    assert ill.shape == well.shape
    middle = ill.shape[0] // 4, 3 * ill.shape[0] // 4
    assert np.abs(ill - well)[slice(*middle)].max() > 20
    assert np.median(np.abs(ill - well)) < 12  # exposure control reacts to the whole image, and only a little


def test_an_image_is_grey_and_of_the_documented_size() -> None:
    for seed in range(5):
        image = draw(seed, pneumonia=bool(seed % 2))
        assert image.mode == "L"
        assert min(image.size) >= 400
        assert max(image.size) <= 800


@pytest.mark.parametrize("pneumonia", [True, False])
def test_the_word_synthetic_is_burned_into_a_corner(pneumonia: bool) -> None:
    image = np.asarray(draw(9, pneumonia))
    height, width = image.shape
    corners = [image[rows, columns] for rows in (slice(0, height // 10), slice(-height // 10, None))
               for columns in (slice(0, width // 3), slice(-width // 3, None))]  # fmt: skip
    # Only the plate behind the word has a grey value of exactly 15.
    assert max(int((corner == 15).sum()) for corner in corners) > 300


def test_the_layout_has_the_documented_counts_and_names(images: Path) -> None:
    names = list(_files(images))
    assert Counter(name.rsplit("/", 1)[0] for name in names) == {
        "test/NORMAL": 16,
        "test/PNEUMONIA": 24,
        "train/NORMAL": 64,
        "train/PNEUMONIA": 96,
    }
    assert all(Path(name).match("phantom[0-9][0-9][0-9][0-9][0-9]-[123].jpeg") for name in names)


def test_no_single_number_of_a_file_reveals_the_class(images: Path) -> None:
    rows = []
    for name, data in _files(images).items():
        with Image.open(images / name) as image:
            grey = np.asarray(image, float)
        height, width = grey.shape
        contrast, dark, bright = grey.std(), *np.percentile(grey, (5, 95))
        size = len(data)
        rows.append(("PNEUMONIA" in name, grey.mean(), np.median(grey), contrast, dark, bright, size, size / grey.size,
                     width, height, width / height, width * height))  # fmt: skip
    table = np.array(rows, float)
    for column in range(1, table.shape[1]):
        assert abs(roc_auc_score(table[:, 0], table[:, column]) - 0.5) < 0.15, f"column {column}"


def test_a_linear_model_on_small_pixels_does_not_solve_the_task(images: Path) -> None:
    split: dict[str, tuple[list[np.ndarray], list[bool]]] = {"train": ([], []), "test": ([], [])}
    for name, data in _files(images).items():
        small = standardise(data).resize((28, 28), Image.Resampling.BOX)
        split[name.split("/")[0]][0].append(np.asarray(small, float).ravel())
        split[name.split("/")[0]][1].append("PNEUMONIA" in name)
    model = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=500)).fit(*split["train"])
    assert roc_auc_score(split["test"][1], model.decision_function(split["test"][0])) < 0.85


def test_a_second_run_touches_nothing_and_a_fresh_one_gives_the_same_bytes(tmp_path: Path) -> None:
    write_dataset(tmp_path / "first", images=10, seed=3)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "first").rglob("*")}
    write_dataset(tmp_path / "first", images=10, seed=3, progress=lambda *_: pytest.fail("drew again"))
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "first").rglob("*")} == before
    write_dataset(tmp_path / "second", images=10, seed=3)
    assert _files(tmp_path / "first") == _files(tmp_path / "second")


def test_an_interrupted_run_leaves_no_files(tmp_path: Path) -> None:
    def interrupt(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path / "images", images=MIN_IMAGES, progress=interrupt)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_left_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main([str(tmp_path), "--images", "10"]) == 1
    assert str(tmp_path) in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("options", [["--images", "9"], ["--images", "many"], ["--seed", "-1"], []])
def test_wrong_usage_exits_2_with_a_sentence(
    options: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main([str(tmp_path / "images"), *options] if options else [])
    assert exit_.value.code == 2
    assert "error:" in capsys.readouterr().err
    assert not (tmp_path / "images").exists()


@settings(max_examples=60, deadline=None)
@given(st.integers(MIN_IMAGES, 1500), st.integers(0, 2**40))
def test_every_plan_has_its_count_both_classes_and_no_patient_in_two_splits(images: int, seed: int) -> None:
    planned = plan(images, seed)
    assert len({image.path for image in planned}) == len(planned) == images
    split_and_class = {image.patient: set() for image in planned}
    for image in planned:
        split_and_class[image.patient].add(image.path.rsplit("/", 1)[0])
    assert all(len(folders) == 1 for folders in split_and_class.values())
    assert len(set().union(*split_and_class.values())) == 4
    assert abs(sum(image.pneumonia for image in planned) / images - 0.6) < 0.1


def test_some_patients_have_several_images() -> None:
    images_of = Counter(image.patient for image in plan(600, 0))
    assert set(images_of.values()) == {1, 2, 3}
