"""GitHub workflows: pinned actions, no stored keys, minimal permissions."""

import re
import shlex
from pathlib import Path

import pytest
from aws_cdk.assertions import Template

from .builders import ROOT, Synth, resources

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_by_its_commit_with_the_version_beside_it(path: Path) -> None:
    uses = re.findall(r"uses: *(.*)", path.read_text(encoding="utf-8"))
    assert uses
    for action in uses:
        assert re.fullmatch(r"[\w.-]+/[\w.-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


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


def overrides(command: str) -> dict[str, str]:
    """Return the settings that a `cdk` command overrides with -c or --context."""
    arguments = shlex.split(command)
    return dict(
        arguments[index + 1].split("=", 1)
        for index, argument in enumerate(arguments)
        if argument in ("-c", "--context")
    )


def documented(synth: Synth) -> dict[str, dict[str, Template]]:
    """Return the templates of prod by each command that deploys it in README.md and in the workflow."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("README.md", ".github/workflows/deploy.yml")]
    deployments = [re.findall(r"cdk deploy --all[^`\n#]*", text.replace("$STAGE", "prod")) for text in texts]
    commands = {command for row in deployments for command in row if overrides(command).get("stage") == "prod"}
    assert all(commands & set(row) for row in deployments), deployments
    return {command: synth(**overrides(command)) for command in commands}


def test_readme_and_workflow_deploy_the_same_prod_which_keeps_data_and_endpoint(synth: Synth) -> None:
    deployed = documented(synth)
    first, *others = ({part: template.to_json() for part, template in stacks.items()} for stacks in deployed.values())
    for other in others:
        assert other == first
    for command, templates in deployed.items():
        policies = {bucket["DeletionPolicy"] for bucket in resources(templates["Storage"], "AWS::S3::Bucket")}
        assert policies == {"Retain"}, command
        assert not any(resources(template, "AWS::Scheduler::Schedule") for template in templates.values()), command


def test_the_workflow_compares_the_settings_before_it_deploys() -> None:
    text = (ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8")
    compared, deployed = text.index("-m ml.preflight --for deploy"), text.index("cdk deploy --all")
    assert compared < deployed


def test_the_workflow_renews_a_lease_that_is_over_before_preflight_looks_for_its_endpoint() -> None:
    text = (ROOT / ".github/workflows/deploy.yml").read_text(encoding="utf-8")
    assert text.index('ml.lease extend --stage "$STAGE"') < text.index("-m ml.preflight")
