"""What the documents name exists: files, headings, tests, commands, options, settings."""

import importlib
import importlib.util
import re
from pathlib import Path

import pytest
import typer

from infra.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])
PRESENT = [path for path in DOCUMENTS if path.name != "CHANGELOG.md"]
"""The documents on the present state. The changelog also names what was removed."""
MAX_README_LINES = 180
NO_SETTINGS = ("name", "deep")
"""In `-c name=value` and `GET /health` with `deep=1`."""


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def anchors(path: Path) -> set[str]:
    """Return the anchors that GitHub gives to a document's headings."""
    headings = re.findall(r"^#+ (.+)$", text_of(path), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def options_of(module: str) -> set[str]:
    """Return the options of a command that is run as `python -m module`."""
    name = f"{module}.__main__" if (ROOT / module.replace(".", "/")).is_dir() else module
    command = typer.main.get_command(importlib.import_module(name).app)
    return {option for parameter in command.params for option in parameter.opts} | {"--help"}


@pytest.fixture(scope="module")
def commands() -> dict[str, set[str]]:
    """The options of each command, by module."""
    names = [path.stem for path in (ROOT / "ml").glob("*.py") if "__main__" in text_of(path)]
    return {name: options_of(name) for name in [*(f"ml.{name}" for name in names), "ml.drift", "localaws", "demo"]}


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_within_the_repository_leads_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", text_of(path)):
        name, _, anchor = target.partition("#")
        file = path.parent / name if name else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file), target


@pytest.mark.parametrize("path", PRESENT, ids=lambda path: path.name)
def test_every_file_a_document_names_exists(path: Path) -> None:
    folders = "benchmarks|demo|docs|frontend|infra|lambda|localaws|ml|radiograph|tests"
    for name in re.findall(rf"(?<![\w/.-])((?:{folders})/[\w./-]*\w)", text_of(path)):
        assert (ROOT / name).exists() or (path.parent / name).exists(), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_test_a_document_names_exists(path: Path) -> None:
    files = list((ROOT / "tests").rglob("test_*.py"))
    functions = re.findall(r"^def (test_\w+)", "\n".join(map(text_of, files)), re.MULTILINE)
    known = {*functions, *(file.stem for file in files)}
    for name in re.findall(r"\btest_\w+", text_of(path)):
        assert name in known, name


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_module_a_document_runs_exists(path: Path) -> None:
    parts = "benchmarks|demo|infra|localaws|ml|radiograph|tests"
    for name in re.findall(rf"python -m ((?:{parts})(?:\.\w+)*)", text_of(path)):
        assert importlib.util.find_spec(name) is not None, name


@pytest.mark.parametrize("path", PRESENT, ids=lambda path: path.name)
def test_every_option_a_document_names_exists(path: Path, commands: dict[str, set[str]]) -> None:
    for module, rest in re.findall(r"(?:python -m |`)((?:ml|localaws|demo)(?:\.\w+)?)\b([^`|#\n]*)", text_of(path)):
        unknown = set(re.findall(r"(?<!\S)--[a-z-]+", rest)) - commands.get(module, set())
        assert not unknown, f"{module} has no {sorted(unknown)}"
    for option in re.findall(r"`(--[a-z-]+)", text_of(path)):
        assert any(option in options for options in commands.values()), option


@pytest.mark.parametrize("path", PRESENT, ids=lambda path: path.name)
def test_every_setting_a_document_names_exists(path: Path) -> None:
    for name in re.findall(r"(?:`|-c )([a-z]+(?:_[a-z]+)*)=[\w.]+", text_of(path)):
        assert name in {*Settings.model_fields, *NO_SETTINGS}, name


def test_the_readme_takes_four_minutes() -> None:
    assert len(text_of(ROOT / "README.md").splitlines()) <= MAX_README_LINES
