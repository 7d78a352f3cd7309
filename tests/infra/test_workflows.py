"""GitHub's workflows: pinned actions, no stored keys, no more rights than they need."""

import re
from pathlib import Path

import pytest

from .conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(path: Path) -> None:
    uses = re.findall(r"uses: *(.*)", path.read_text(encoding="utf-8"))
    assert uses
    for one in uses:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", one), one


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_workflow_holds_or_asks_for_a_stored_key(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert "secrets." not in text
    assert not re.search(r"(AKIA|ASIA)[0-9A-Z]{16}|aws_secret_access_key", text, re.IGNORECASE)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_reads_the_repository_and_only_the_deployment_asks_for_an_identity(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    (block,) = re.findall(r"^permissions:\n((?:  .*\n)+)", text, re.MULTILINE)
    granted = dict(line.strip().split(": ") for line in block.splitlines())
    assert granted == {"contents": "read"} | ({"id-token": "write"} if path.name == "deploy.yml" else {})


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_text_of_a_pull_request_becomes_a_command(path: Path) -> None:
    runs = re.findall(r"run: *\|?\n?((?: {10}.*\n)+|.*)", path.read_text(encoding="utf-8"))
    assert runs
    assert not [run for run in runs if "${{" in run]
