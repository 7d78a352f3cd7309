"""`python app.py` as the CDK CLI runs it: without credentials or network, and with invalid settings."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk.assertions import Template

from .builders import MODEL, ROOT, STACKS, Context, Synth, compose, context

EVERYTHING = {
    "stage": "full", "retain_data": "true", "kms": "create", "waf": "true", "cors_origins": "https://app.example.org",
    "autoscaling_max_instances": "3", "data_capture_percent": "5", "alarms_email": "a@example.org",
    "manage_api_gateway_log_role": "true", "budget_monthly_usd": "50", "budget_scope": "project",
    "vpc_subnets": "subnet-0123456789abcdef0,subnet-0123456789abcdef1",
    "vpc_security_groups": "sg-0123456789abcdef0", "source_buckets": "hospital-films",
}  # fmt: skip
"""Settings that add every optional part."""
JSII_CACHE = Path.home() / ".cache" / "aws" / "jsii" / "package-cache"
"""Where this process's CDK unpacked its packages; unpacking them again takes seconds."""


def run(tmp_path: Path, given: Context) -> subprocess.CompletedProcess[str]:
    """Run app.py with a context, without credentials and in an empty home."""
    environment = {
        "CDK_CONTEXT_JSON": json.dumps(given),
        "CDK_OUTDIR": str(tmp_path / "out"),
        "PATH": str(Path(sys.executable).parent),
        "HOME": str(tmp_path),
        "JSII_RUNTIME_PACKAGE_CACHE_ROOT": str(JSII_CACHE),
    }
    return subprocess.run(
        [sys.executable, "app.py"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=600
    )


@pytest.fixture(scope="module")
def synthesised(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the output folder of one synth with an empty home and no credentials."""
    folder = tmp_path_factory.mktemp("synth")
    process = run(folder, context())
    assert process.returncode == 0, process.stderr
    return folder / "out"


def test_synth_needs_no_credentials(synthesised: Path) -> None:
    names = {path.name for path in synthesised.glob("*.template.json")}
    assert names == {f"Pneumonia-dev-{part}.template.json" for part in STACKS}


def test_cdk_nag_has_no_unacknowledged_finding(synthesised: Path) -> None:
    report = json.loads((synthesised / "validation-report.json").read_text(encoding="utf-8"))
    violations = {plugin["pluginName"]: plugin["violations"] for plugin in report["pluginReports"]}
    assert violations["AwsSolutions"] == []
    assert not any(violations.values())


def test_cfn_lint_finds_no_error_in_any_variant(synthesised: Path, synth: Synth, tmp_path: Path) -> None:
    for part, template in synth(**EVERYTHING).items():
        (tmp_path / f"{part}.template.json").write_text(json.dumps(template.to_json()))
    templates = [str(path) for folder in (synthesised, tmp_path) for path in sorted(folder.glob("*.template.json"))]
    assert len(templates) == 9
    command = [str(Path(sys.executable).with_name("cfn-lint")), "--regions", "us-east-1"]
    command += ["--non-zero-exit-code", "error", "--", *templates]
    process = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert process.returncode == 0, process.stdout + process.stderr


def test_without_a_model_there_is_only_the_storage_and_a_line_with_the_remedy(
    capsys: pytest.CaptureFixture[str],
) -> None:
    given = context()
    del given["model:dev"]
    assert list(compose(given)) == ["Storage"]
    assert "python -m ml.train --stage dev" in capsys.readouterr().err


def test_a_model_that_missed_the_gate_is_not_deployed_and_a_line_says_why(
    capsys: pytest.CaptureFixture[str],
) -> None:
    model = MODEL | {"gate": "The lower 95 % bound of specificity is 0.364, below the minimum of 0.75"}
    assert list(compose(context(**{"model:dev": model}))) == ["Storage"]
    message = capsys.readouterr().err
    assert model["training_job"] in message
    assert model["gate"] in message


def test_two_stages_share_no_physical_name(synth: Synth) -> None:
    dev, prod = synth(stage="dev"), synth(stage="prod")
    shared = set.union(*map(names_in, dev.values())) & set.union(*map(names_in, prod.values()))
    assert shared == set()


def test_the_fixed_names_of_a_stage_contain_its_name(synth: Synth) -> None:
    names = set.union(*map(names_in, synth(stage="prod", lease_hours="8").values()))
    exports = {
        f"Pneumonia-prod-Storage:{name}" for name in ("ExecutionRoleArn", "DataBucketName", "RetainedBucketName")
    }
    assert names == exports | {
        "pneumonia-prod",
        "pneumonia-prod-proxy",
        "pneumonia-prod-lease",
        "pneumonia-prod-lease-failures",
    }


SCOPED_NAMES = {"PolicyName", "StageName", "VariantName", "MetricName"}
"""Names that are unique within their role, API or configuration, not within the account."""


def names_in(template: Template) -> set[str]:
    """Return the fixed names of resources and exports in a template."""
    document = template.to_json()
    names = {output["Export"]["Name"] for output in document.get("Outputs", {}).values() if "Export" in output}
    for resource in document["Resources"].values():
        for name, value in resource.get("Properties", {}).items():
            if name.lower().endswith("name") and name not in SCOPED_NAMES and isinstance(value, str):
                names.add(value)
    return names


def test_an_error_ends_the_process_with_a_line_for_each_fault_and_no_traceback(tmp_path: Path) -> None:
    process = run(tmp_path, context(region="mx-central-1", colour="blue"))
    assert process.returncode == 1
    assert "Error: " in process.stderr
    for part in ("'mx-central-1'", "'colour'"):
        assert len([line for line in process.stderr.splitlines() if part in line]) == 1
    assert "Traceback" not in process.stderr
    assert not list(tmp_path.glob("out/*.template.json"))
