"""The encoding audit finds the shortcut that is there and none that is not."""

from dataclasses import replace
from pathlib import Path

from ml.dataset.radiographs import Encoding, Radiograph
from ml.dataset.report.audit import audit, verdict


def images(give_away: bool) -> list[Radiograph]:
    found = []
    for index in range(200):
        label = index % 2
        table = (330, 1858)[label] if give_away else (330, 1858)[index // 2 % 2]
        encoding = Encoding(50_000 + 37 * (index // 2), 900 + index // 2, 700, "L", table)
        found.append(Radiograph(Path("a"), label, "train", f"{index}.jpg", "", f"p{index}", str(index), 9000, encoding))
    return found


def test_a_table_that_follows_the_label_is_called_a_shortcut() -> None:
    found = audit(images(give_away=True))
    assert found["before"]["JPEG quantisation table (sum)"]["value"] == 1.0
    assert "JPEG quantisation table (sum) alone has a label AUC of 1.000" in verdict(found)[0]


def test_a_table_that_does_not_is_not() -> None:
    found = audit(images(give_away=False))
    assert found["before"]["JPEG quantisation table (sum)"]["value"] < 0.6
    assert verdict(found)[0].startswith("No single number")


def test_every_number_carries_its_n_and_interval() -> None:
    for part in audit(images(give_away=True)).values():
        for one in part.values():
            assert one["n"] == 200
            assert one["low"] <= one["value"] <= one["high"]


def test_what_the_picture_itself_compresses_to_is_watched_after_standardisation() -> None:
    told = [
        replace(image, stored=8000 + 500 * image.label + index) for index, image in enumerate(images(give_away=False))
    ]
    assert any("After standardisation file size still goes with the label" in words for words in verdict(audit(told)))


def test_the_verdict_always_says_what_a_resize_does_not_remove() -> None:
    assert "does not remove" in verdict(audit(images(give_away=False)))[-1]
