"""`python app.py` as the CDK CLI runs it: without credentials or network, and with settings that cannot be used."""

import json
import subprocess
import sys
from pathlib import Path

import aws_cdk as cdk
import pytest
from aws_cdk.assertions import Template

import app as entry

from .conftest import MODEL, NOW, ROOT, STACKS, Context, Synth, context

EVERYTHING = {
    "stage": "kept", "retain_data": "true", "kms": "create", "waf": "true", "cors_origins": "https://app.example.org",
    "autoscaling_max_instances": "3", "data_capture_percent": "5", "alarms_email": "a@example.org",
    "budget_monthly_usd": "50", "vpc_subnets": "subnet-0123456789abcdef0",
    "vpc_security_groups": "sg-0123456789abcdef0",
}  # fmt: skip
"""Every part that a setting adds, in one deployment."""


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
    assert names == {f"Pneumonia-dev-{part}.template.json" for part in STACKS}


def test_cdk_nag_has_no_unacknowledged_finding(synthesised: Path) -> None:
    report = json.loads((synthesised / "validation-report.json").read_text(encoding="utf-8"))
    checked = {one["pluginName"]: one["violations"] for one in report["pluginReports"]}
    assert checked["AwsSolutions"] == []
    assert not any(checked.values())


def test_cfn_lint_finds_no_error_in_any_variant(synthesised: Path, synth: Synth, tmp_path: Path) -> None:
    kept = synth(**EVERYTHING)
    for part, template in kept.items():
        (tmp_path / f"{part}.template.json").write_text(json.dumps(template.to_json()))
    templates = [str(path) for folder in (synthesised, tmp_path) for path in sorted(folder.glob("*.template.json"))]
    assert len(templates) == 9
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


def test_a_model_that_missed_the_gate_is_not_deployed_and_a_line_says_why(
    capsys: pytest.CaptureFixture[str],
) -> None:
    missed = MODEL | {"gate": "Specificity may be as low as 0.364, the minimum is 0.75"}
    app = cdk.App(context=context(**{"model:dev": missed}), analytics_reporting=False)
    entry.compose(app, NOW)
    assert [node.node.id for node in app.node.children if isinstance(node, cdk.Stack)] == ["Pneumonia-dev-Storage"]
    told = capsys.readouterr().err
    assert "Model pneumonia-dev-20261124-031500 of stage dev is not released" in told
    assert missed["gate"] in told


def test_two_stages_share_no_physical_name(synth: Synth) -> None:
    dev, prod = synth(stage="dev"), synth(stage="prod")
    shared = set.union(*map(names_in, dev.values())) & set.union(*map(names_in, prod.values()))
    assert shared == set()


def test_the_names_that_stages_are_told_apart_by_are_found(synth: Synth) -> None:
    found = set.union(*map(names_in, synth(stage="prod", lease_hours="8").values()))
    exports = {
        f"Pneumonia-prod-Storage:{name}" for name in ("ExecutionRoleArn", "DataBucketName", "RetainedBucketName")
    }
    assert found == exports | {
        "pneumonia-prod",
        "pneumonia-prod-proxy",
        "pneumonia-prod-lease",
        "pneumonia-prod-lease-failures",
    }


SCOPED_NAMES = {"PolicyName", "StageName", "VariantName", "MetricName"}
"""Unique within their role, API or configuration, not within the account."""


def names_in(template: Template) -> set[str]:
    """Return every name that a template fixes: of resources and of exports."""
    document = template.to_json()
    found = {output["Export"]["Name"] for output in document.get("Outputs", {}).values() if "Export" in output}
    for resource in document["Resources"].values():
        for name, value in resource.get("Properties", {}).items():
            if name.lower().endswith("name") and name not in SCOPED_NAMES and isinstance(value, str):
                found.add(value)
    return found


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"region": "mx-central-1", "colour": "blue"}, "Error: Settings: unknown setting 'colour'; allowed: "),
        ({"model:dev": {"artifact": "model.tar.gz"}}, "Error: model:dev in cdk.context.json cannot be used: artifact"),
    ],
    ids=["settings", "model"],
)
def test_a_refusal_ends_the_process_with_one_line_and_no_traceback(tmp_path: Path, changes: Context, told: str) -> None:
    done = run(tmp_path, context(**changes))
    assert done.returncode == 1
    assert done.stderr.startswith(told)
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.glob("out/*.template.json"))
