"""Damaged and malicious artifacts are refused with a sentence, in less than 1 GB of memory."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.network.mxnet_hostile import CASES, PACKED

CHILD = """
import json, resource, sys
from pathlib import Path
resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
from network import mxnet_artifact
from network.errors import InputError
answers = {}
for path in sorted(Path(sys.argv[1]).glob("*.tar.gz")):
    try:
        answers[path.name] = "converted " + mxnet_artifact.write(path, Path(sys.argv[1]) / "model.onnx")
    except InputError as error:
        answers[path.name] = f"refused: {error}"
    except Exception as error:
        answers[path.name] = repr(error)
print(json.dumps(answers))
"""
"""Converts all archives of a folder in one process, whose address space is limited to 1 GB."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What a conversion answers to each artifact."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "good.tar.gz").write_bytes(PACKED)
    for name, (made, _) in CASES.items():
        (folder / f"{name}.tar.gz").write_bytes(made())
    done = subprocess.run([sys.executable, "-c", CHILD, str(folder)], capture_output=True, check=True, timeout=300)
    parsed: dict[str, str] = json.loads(done.stdout)
    return {name.removesuffix(".tar.gz"): answer for name, answer in parsed.items()}


def test_a_good_artifact_is_converted_within_the_same_memory(answers: dict[str, str]) -> None:
    assert answers["good"].startswith("converted")


@pytest.mark.parametrize("name", CASES)
def test_a_damaged_or_malicious_artifact_is_refused_with_its_reason(name: str, answers: dict[str, str]) -> None:
    assert answers[name].startswith("refused: ")
    assert CASES[name][1] in answers[name]
    assert answers[name].endswith(".")
    assert len(answers[name]) < 700
    assert "\n" not in answers[name]


def test_no_artifact_leaves_a_file_outside_of_its_folder(answers: dict[str, str]) -> None:
    assert len(answers) == len(CASES) + 1
    assert not Path("/etc/cron.d/x").exists()
