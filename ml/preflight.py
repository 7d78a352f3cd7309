"""`python -m ml.preflight`: find what would fail, before anything is created."""

import json
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal

import botocore.exceptions
import typer

from ml import algorithms, cli, options, preflight_checks, preflight_quotas, project, setting_changes
from ml.algorithms import BUILT_IN, DEFAULT_INSTANCE
from ml.errors import UserError
from ml.preflight_checks import NotYetError, UnknownError
from ml.scoring.scorer import INSTANCE_TYPE

DENIED = {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation"}
EXAMPLES = """
  python -m ml.preflight --stage dev
  python -m ml.preflight --for train --instance-type ml.g5.xlarge --no-spot
  python -m ml.preflight --for deploy --stage prod --accept lease_hours
"""
Purpose = Literal["deploy", "train", "all"]
app = cli.application()


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes:
        state: ok, not yet, fails or unknown.
        message: what the check found and, unless it is ok, what to do.
    """

    name: str
    state: str
    message: str


@dataclass(frozen=True)
class Jobs:
    """The algorithm and the instances of the jobs to create, as in `ml.train` and `ml.transform`."""

    algorithm: str = BUILT_IN
    instance_type: str = DEFAULT_INSTANCE[BUILT_IN]
    spot: bool = True
    transform_type: str = INSTANCE_TYPE


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


TransformType = Annotated[
    str,
    typer.Option(parser=options.sized_instance_type, metavar="TYPE", help="Instance of batch transform."),
]


@app.command(epilog=cli.examples(EXAMPLES))
def preflight(  # noqa: PLR0913 - one parameter for each option
    *,
    stage: cli.Stage,
    purpose: Annotated[Purpose, typer.Option("--for", help="What to check: deployment, training, or both.")] = "all",
    algorithm: options.Algorithm = None,
    instance_type: options.TrainingInstanceType = None,
    no_spot: options.NoSpot = False,
    transform_type: TransformType = INSTANCE_TYPE,
    context: options.Context = None,
    accept: Accept = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Check credentials, region, bootstrap, stacks, quotas, data set, model and lease before anything is created.

    "not yet" is what a later command makes, and "unknown" what AWS does not say. Compares the settings with the
    deployed ones: a change that loses data or ends an endpoint fails, unless --accept has its setting. Changes
    nothing. Exits with 1 if a check fails, otherwise with 0.
    """
    results = []
    name = algorithms.chosen(algorithm, project.settings(stage, context or ()))
    machine = instance_type or DEFAULT_INSTANCE[name]
    algorithms.check_instance_type(name, machine)
    jobs = Jobs(name, machine, not no_spot, transform_type)
    for finding in findings(stage, purpose, jobs, context or (), setting_names(accept or "")):
        results.append(finding)
        if not as_json:
            print(f"{finding.state:8} {finding.name}: {finding.message}", flush=True)
    if as_json:
        print(json.dumps([asdict(finding) for finding in results], indent=1))
    if any(finding.state == "fails" for finding in results):
        raise typer.Exit(1)


def findings(
    stage: str,
    purpose: Purpose = "all",
    jobs: Jobs = Jobs(),
    overrides: Sequence[str] = (),
    accepted: Collection[str] = (),
) -> Iterator[Finding]:
    """Yield a finding for each check of a purpose, in the order of a deployment.

    Args:
        overrides: settings as NAME=VALUE, as after `cdk deploy -c`.
        accepted: settings whose change may lose data or end the endpoint.
    """
    settings = project.settings(stage, overrides)
    for name, purposes, check in checks(stage, settings, jobs, accepted):
        if purpose not in (*purposes, "all"):
            continue
        finding = result(name, check)
        yield finding
        if name == "credentials" and finding.state == "fails":
            return  # every other check would fail for the same reason


def checks(
    stage: str, settings: dict[str, Any], jobs: Jobs, accepted: Collection[str]
) -> Iterator[tuple[str, tuple[Purpose, ...], Callable[[], str]]]:
    """Yield the name, the purposes and the function of each check."""
    quotas = preflight_quotas.Quotas()
    yield "credentials", ("deploy", "train"), preflight_checks.credentials
    yield "region", ("deploy", "train"), lambda: preflight_checks.region(settings, jobs.algorithm)
    yield "bootstrap", ("deploy", "train"), preflight_checks.bootstrap
    yield "storage", ("deploy", "train"), lambda: preflight_checks.stack(stage, "Storage")
    yield "settings", ("deploy",), lambda: setting_changes.compare(stage, settings, accepted)
    yield (
        "training quota",
        ("train",),
        lambda: preflight_quotas.training(quotas, jobs.instance_type, jobs.spot),
    )
    yield "transform quota", ("train",), lambda: preflight_quotas.transform(quotas, jobs.transform_type)
    yield "endpoint quota", ("deploy",), lambda: preflight_quotas.endpoint(quotas, stage, settings)
    yield "serverless", ("deploy",), lambda: preflight_quotas.serverless(quotas, settings)
    yield "data set", ("train",), lambda: preflight_checks.data_set(stage)
    yield "model", ("deploy",), lambda: preflight_checks.model(stage, settings)
    yield "lease", ("deploy",), lambda: preflight_checks.lease(stage, settings)
    yield "log role", ("deploy",), lambda: preflight_checks.log_role(stage, settings)


def result(name: str, check: Callable[[], str]) -> Finding:
    """Return the finding of one check; an error of AWS leaves its result unknown."""
    try:
        return Finding(name, "ok", check())
    except NotYetError as error:
        return Finding(name, "not yet", str(error))
    except UnknownError as error:
        return Finding(name, "unknown", str(error))
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
