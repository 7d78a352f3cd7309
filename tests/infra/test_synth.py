"""`python app.py` as the CDK CLI runs it: without credentials or network, and with settings that cannot be used."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .conftest import MODEL, ROOT, Context, Synth, context


def run(tmp_path: Path, given: Context) -> subprocess.CompletedProcess[str]:
    """Run app.py with a context in an environment that holds nothing else."""
    environment = {
        "CDK_CONTEXT_JSON": json.dumps(given),
        "CDK_OUTDIR": str(tmp_path / "out"),
        "PATH": str(Path(sys.executable).parent),
        "HOME": str(tmp_path),
    }
    return subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.fixture(scope="module")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of one synth, by way of an empty home and no credentials."""
    folder = tmp_path_factory.mktemp("synth")
    done = run(folder, context())
    assert done.returncode == 0, done.stderr
    return folder / "out"


def test_synth_needs_no_credentials(synthesised: Path) -> None:
    names = {path.name for path in synthesised.glob("*.template.json")}
    assert names == {f"Pneumonia-dev-{part}.template.json" for part in ("Storage", "Endpoint", "Api")}


def test_cdk_nag_has_no_unacknowledged_finding(synthesised: Path) -> None:
    report = json.loads((synthesised / "validation-report.json").read_text(encoding="utf-8"))
    checked = {one["pluginName"]: one["violations"] for one in report["pluginReports"]}
    assert checked["AwsSolutions"] == []
    assert not any(checked.values())


def test_cfn_lint_finds_no_error(synthesised: Path) -> None:
    templates = [str(path) for path in sorted(synthesised.glob("*.template.json"))]
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--regions", "us-east-1"]
    command += ["--non-zero-exit-code", "error", "--", *templates]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def test_without_a_model_only_the_storage_is_there_and_a_line_says_why(tmp_path: Path) -> None:
    given = context()
    del given["model:dev"]
    done = run(tmp_path, given)
    assert done.returncode == 0, done.stderr
    assert [path.name for path in (tmp_path / "out").glob("*.template.json")] == ["Pneumonia-dev-Storage.template.json"]
    assert "No model in context for stage dev" in done.stderr
    assert "python -m ml.train --stage dev" in done.stderr


def test_two_stages_share_no_physical_name(synth: Synth) -> None:
    dev, prod = synth(stage="dev"), synth(stage="prod")
    for part in dev:
        assert names_in(dev[part].to_json()) & names_in(prod[part].to_json()) == set(), part


def names_in(template: dict[str, Any]) -> set[str]:
    """Return every name that a template fixes: of resources and of exports."""
    found = {output["Export"]["Name"] for output in template.get("Outputs", {}).values() if "Export" in output}
    for resource in template["Resources"].values():
        for name in (
            "BucketName",
            "RoleName",
            "FunctionName",
            "EndpointName",
            "ModelName",
            "LogGroupName",
            "PolicyName",
        ):
            value = resource.get("Properties", {}).get(name)
            # A policy's name lives within its role, not within the account.
            if isinstance(value, str) and name != "PolicyName":
                found.add(value)
    return found


REFUSALS = [
    ({"instnace_type": "ml.m5.large"}, ["'instnace_type'", "instance_type"]),
    ({"stage": "Dev!"}, ["'Dev!'", "lower-case letter"]),
    ({"region": "eu-west-9"}, ["'eu-west-9'", "eu-west-1"]),
    ({"hosting": "lambda"}, ["'lambda'", "realtime, serverless"]),
    ({"instance_type": "m5.large"}, ["'m5.large'", "ml.m5.large"]),
    ({"instance_count": "0"}, ["'0'", "from 1 to 20"]),
    ({"serverless_memory_mb": 3000}, ["3000", "steps of 1024"]),
    ({"retain_data": "maybe"}, ["'maybe'", "true or false"]),
    ({"log_retention_days": "31"}, ["'31'", "30"]),
    ({"model:dev": MODEL | {"artifact": "model.tar.gz"}}, ["model:dev", "s3://", "ml.train --stage dev"]),
    ({"model:dev": MODEL | {"classes": ["PNEUMONIA", "NORMAL"]}}, ["classes", "label order"]),
    ({"model:dev": MODEL | {"threshold": 1.5}}, ["threshold must be a number from 0 to 1"]),
    ({"model:dev": "s3://bucket/model.tar.gz"}, ["model:dev", "no object"]),
]


@pytest.mark.parametrize(
    ("changes", "told"), REFUSALS, ids=lambda value: "".join(value) if isinstance(value, dict) else ""
)
def test_a_setting_that_cannot_be_used_is_refused_in_one_sentence(changes: Context, told: list[str]) -> None:
    import aws_cdk as cdk

    import app as entry
    from infra.errors import SettingsError

    with pytest.raises(SettingsError) as caught:
        entry.compose(cdk.App(context=context(**changes), analytics_reporting=False))
    assert str(caught.value).endswith(".")
    for words in told:
        assert words in str(caught.value)


def test_a_refused_setting_ends_the_process_without_a_traceback(tmp_path: Path) -> None:
    done = run(tmp_path, context(hosting="lambda"))
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Settings: hosting is 'lambda'")
    assert "Traceback" not in done.stderr


def test_every_fault_is_told_at_once() -> None:
    from infra.errors import SettingsError
    from infra.settings import read

    with pytest.raises(SettingsError) as caught:
        read(context(hosting="lambda", instance_count=0, colour="blue"))
    for word in ("hosting", "instance_count", "colour"):
        assert word in str(caught.value)
