"""What AWS has and localaws has not is refused with a sentence."""

from pathlib import Path

import pytest

from localaws.image_classification import serve, train
from tests.localaws.image_classification.builders import write_root


def test_incremental_training_is_refused(tmp_path: Path) -> None:
    root = write_root(tmp_path / "root")
    (root / "input/data/model").mkdir()
    assert train.run(root) == 1
    assert "Channel 'model'" in (root / "output/failure").read_text()


def test_an_artifact_of_aws_is_refused_with_its_files(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """An incomplete one; a complete one is served."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model/image-classification-0001.params").write_bytes(b"")
    with pytest.raises(SystemExit):
        serve.run(tmp_path, 0)
    log = capfd.readouterr().out
    assert "image-classification-0001.params" in log
    assert "model-shapes.json" in log
