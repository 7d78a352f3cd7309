"""`python -m ml.preflight`: find what would fail, before anything is created."""

import json
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated

import botocore.exceptions
import typer

from ml import cli, options, preflight_checks, project, setting_changes
from ml.errors import UserError
from ml.scoring.scorer import INSTANCE_TYPE
from ml.training.request import Compute

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
EXAMPLES = """
  python -m ml.preflight --stage dev
  python -m ml.preflight --instance-type ml.g5.xlarge --json
  python -m ml.preflight --stage prod --accept lease_hours
"""
app = cli.application()


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        state: ok, fails or unknown.
        message: what the check found and, unless it is ok, what to do.
    """

    name: str
    state: str
    message: str


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code, 1 if a check fails."""
    return cli.run(app, "ml.preflight", argv)


def setting_names(text: str) -> list[str]:
    """Return the names of settings in a comma-separated text.

    Raises:
        UserError: a name is not that of a setting whose change needs consent.
    """
    names = [name for name in text.split(",") if name]
    if unknown := sorted(set(names) - set(setting_changes.NAMES)):
        raise UserError(
            f"--accept {text}: {', '.join(unknown)} is not allowed; use {', '.join(setting_changes.NAMES)}.", 2
        )
    return names


Accept = Annotated[
    str | None,
    typer.Option(metavar="NAMES", help=f"Settings whose change may do harm, of {', '.join(setting_changes.NAMES)}."),
]


@app.command(epilog=cli.examples(EXAMPLES))
def preflight(
    stage: cli.Stage,
    instance_type: options.TrainingInstanceType = Compute.instance_type,
    context: options.Context = None,
    accept: Accept = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check credentials, region, bootstrap, stacks, quotas, data set, model and lease before anything is created.

    Compares the settings with the deployed ones. A change that loses data or ends an endpoint fails, unless --accept
    has its setting. Changes nothing. Exits with 1 if a check fails.
    """
    results = []
    for finding in findings(stage, instance_type, context or (), setting_names(accept or "")):
        results.append(finding)
        if not as_json:
            print(f"{finding.state:8} {finding.name}: {finding.message}", flush=True)
    if as_json:
        print(json.dumps([asdict(finding) for finding in results], indent=1))
    if any(finding.state == "fails" for finding in results):
        raise typer.Exit(1)


def findings(
    stage: str, instance_type: str, overrides: Sequence[str] = (), accepted: Collection[str] = ()
) -> Iterator[Finding]:
    """Yield a finding for each check, in the order of a deployment.

    Args:
        instance_type: of training.
        overrides: settings as NAME=VALUE, as after `cdk deploy -c`.
        accepted: settings whose change may lose data or end the endpoint.
    """
    settings = project.settings(stage, overrides)
    checks: dict[str, Callable[[], str]] = {
        "credentials": preflight_checks.credentials,
        "region": lambda: preflight_checks.region(settings),
        "bootstrap": preflight_checks.bootstrap,
        "storage": lambda: preflight_checks.stack(stage, "Storage"),
        "settings": lambda: setting_changes.compare(stage, settings, accepted),
        "training quota": lambda: preflight_checks.quota(f"{instance_type} for spot training job usage", 1),
        "transform quota": lambda: preflight_checks.quota(f"{INSTANCE_TYPE} for transform job usage", 1),
        "endpoint quota": lambda: preflight_checks.endpoint_quota(settings),
        "data set": lambda: preflight_checks.data_set(stage),
        "model": lambda: preflight_checks.model(stage),
        "lease": lambda: preflight_checks.lease(stage, settings),
        "log role": lambda: preflight_checks.log_role(stage, settings),
    }
    for name, check in checks.items():
        finding = result(name, check)
        yield finding
        if name == "credentials" and finding.state == "fails":
            return  # every other check would fail for the same reason


def result(name: str, check: Callable[[], str]) -> Finding:
    """Return the finding of one check; an error of AWS leaves its result unknown."""
    try:
        return Finding(name, "ok", check())
    except UserError as error:
        return Finding(name, "fails", str(error))
    except botocore.exceptions.ClientError as error:
        code, operation = error.response["Error"]["Code"], error.operation_name
        if code in DENIED:
            return Finding(name, "unknown", f"these credentials may not call {operation}; request that permission.")
        return Finding(name, "unknown", f"AWS answered {code} to {operation}.")
    except botocore.exceptions.BotoCoreError as error:
        if name != "credentials":
            return Finding(name, "unknown", str(error))
        return Finding(name, "fails", f"{error} Run `aws configure`, or export AWS_ACCESS_KEY_ID and its secret.")


if __name__ == "__main__":
    sys.exit(main())
