"""`python -m ml.promote`: bring an approved model into another stage or account."""

import sys
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import botocore.session
import typer

from ml import cli, options, project
from ml.aws import clients, stacks
from ml.aws.s3 import Bucket, split_uri
from ml.errors import UserError
from ml.leasing.extend import renew_for_deployment
from ml.model_registry import packages, registration
from ml.model_registry.promotion import Promotion
from ml.training import plan, runs

EXAMPLES = """
  python -m ml.promote --from dev --to prod
  python -m ml.promote --from dev --to prod --profile hospital-prod      prod is in another account
  python -m ml.promote --from dev --to prod --version 3
"""
app = cli.application()


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.promote", argv)


def stage_option(name: str, text: str) -> Any:
    """Return the required option for a stage."""
    return typer.Option(name, parser=project.stage, metavar="NAME", help=text)


def profile_name(text: str) -> str:
    """Return the name of a profile.

    Raises:
        UserError: it does not exist.
    """
    profiles = botocore.session.get_session().available_profiles
    if text not in profiles:
        raise UserError(f"--profile {text} does not exist; your AWS configuration has {', '.join(profiles)}.", 2)
    return text


@app.command(epilog=cli.examples(EXAMPLES))
def promote(
    *,
    from_stage: Annotated[str, stage_option("--from", "Stage that has the approved model.")],
    to_stage: Annotated[str, stage_option("--to", "Stage that gets it; its storage stack is deployed.")],
    profile: Annotated[
        str | None,
        typer.Option(parser=profile_name, metavar="NAME", help="AWS profile for --to, if it is in another account."),
    ] = None,
    version: Annotated[
        int | None,
        typer.Option(min=1, show_default="newest that is approved", help="Version to promote; it must be approved."),
    ] = None,
    yes: options.Yes = False,
) -> None:
    """Copy an approved model with its graph, run record and evaluation into another stage's bucket.

    Compares the SHA-256 of each file with the registered one and with the copy. Registers the model as an approved
    version of the other stage, and puts it into cdk.context.json for `cdk deploy`. You can run the command again: it
    copies only what is missing.
    """
    if from_stage == to_stage:
        raise UserError(f"--from {from_stage} --to {to_stage} are the same stage; give two different stages.", 2)
    package = packages.approved(from_stage, version)
    origin = Bucket(split_uri(package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"])[0])
    with clients.using_profile(profile):
        target = Bucket(stacks.outputs(to_stage, "Storage")["DataBucketName"])
    promotion = Promotion(package, origin, target, profile is not None)
    run, metrics = promotion.records()
    files = promotion.files(run, metrics)
    missing = [key for key, sha256 in files.items() if target.sha256(key) != sha256]
    moved = promotion.moved(run, metrics)
    before = project.read_context().get(f"model:{to_stage}", {})
    print(describe(to_stage, promotion, files, missing, before), flush=True)
    if not yes and (missing or before != runs.model_entry(*moved)):
        plan.confirm("Promote it? [y/N] ", "promoted")
    for key in missing:
        promotion.copy(key, files[key])
        print(f"Copied s3://{target.name}/{key}", flush=True)
    with clients.using_profile(profile):
        publish(to_stage, promotion, *moved)


def describe(
    stage: str, promotion: Promotion, files: Mapping[str, str], missing: Sequence[str], before: Mapping[str, Any]
) -> str:
    """Return what is promoted and what is copied.

    Args:
        files: the SHA-256 of each file.
        missing: the files to copy.
        before: the present entry of the other stage.
    """
    job = packages.properties(promotion.package)["training-job"]
    lines = [
        f"Promote {registration.label(promotion.package)}, {job}, to stage {stage}.",
        f"The model of stage {stage} in cdk.context.json now: {before.get('training_job', 'none')}.",
        f"From s3://{promotion.origin.name} to s3://{promotion.target.name}:",
        *(f"  {key}  {sha256[:16]}  {'to copy' if key in missing else 'exists'}" for key, sha256 in files.items()),
    ]
    return "\n".join(lines)


def publish(stage: str, promotion: Promotion, run: dict[str, Any], metrics: dict[str, Any]) -> None:
    """Write the records, the version and the context entry of the other stage. Call it with its credentials in use."""
    for name, record in (("metrics.json", metrics), ("run.json", run)):
        promotion.write(run["artifact"], name, record)
    print(registration.register(stage, run, metrics, promotion.source()))
    entry = runs.model_entry(run, metrics)
    if project.read_context().get(f"model:{stage}") != entry:
        project.write_model(stage, entry)
    if lease := renew_for_deployment(stage):
        print(lease)
    print(
        f"Model of stage {stage} in cdk.context.json is {run['training_job']}. Run `cdk deploy --all -c stage={stage}`."
    )


if __name__ == "__main__":
    sys.exit(main())
