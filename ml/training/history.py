"""Past training runs: list them, or use one again."""

from pathlib import Path
from typing import Any

from ml import project
from ml.aws import clients, stacks
from ml.errors import UserError
from ml.training import follow, prices, runs


def show(stage: str) -> None:
    """Print past runs, the newest first; a star marks the run in cdk.context.json."""
    bucket = stacks.outputs(stage, "Storage")["DataBucketName"]
    current = project.read_context().get(f"model:{stage}", {}).get("training_job")
    past = runs.every(bucket)
    if not past:
        print(f"No runs in s3://{bucket}/{runs.PREFIX} yet.")
        return
    width = max(len(run["training_job"]) for run in past) + 2
    print(
        f"  {'job':<{width}}{'status':<21}{'ended':<27}{'dataset':<30}"
        f"{'val. accuracy':>14}{'test AUROC':>12}{'gate':>9}"
    )
    for run in past:
        metrics = runs.get_json(bucket, run["training_job"], "metrics.json")
        accuracy = "-" if run["validation_accuracy"] is None else f"{run['validation_accuracy']:.4f}"
        auroc = "-" if metrics is None else f"{metrics['splits']['test']['AUROC']['value']:.4f}"
        gate = "-" if metrics is None else "passed" if metrics["gate"]["passed"] else "missed"
        star = "*" if run["training_job"] == current else " "
        print(
            f"{star} {run['training_job']:<{width}}{run['status']:<21}{run['ended']:<27}{run['dataset']:<30}"
            f"{accuracy:>14}{auroc:>12}{gate:>9}"
        )


def use(stage: str, job: str, price_table: Path | None = None) -> None:
    """Write a past run to cdk.context.json, with its evaluation if it has one; record it first if necessary.

    Raises:
        UserError: there is no such job, it still runs, or it left no model in this stage's bucket.
    """
    bucket = stacks.outputs(stage, "Storage")["DataBucketName"]
    run = runs.get_json(bucket, job, "run.json") or unrecorded(stage, bucket, job, prices.read(price_table))
    entry = runs.model_entry(run, runs.get_json(bucket, job, "metrics.json"))
    path = project.write_model(stage, entry)
    print(f"Model of stage {stage} in {path.name} is {job} ({run['status']}); gate: {entry['gate']}.")


def unrecorded(stage: str, bucket: str, job: str, table: dict[str, Any]) -> dict[str, Any]:
    """Record a job that ended while no command followed it, from its description and its log.

    Raises:
        UserError: there is no such job, it still runs, or it left no model in `bucket`.
    """
    description = follow.describe(clients.client("sagemaker"), job)
    if description["TrainingJobStatus"] not in follow.ENDED:
        raise UserError(
            f"Training job {job} still runs ({description['SecondaryStatus']}); follow it with "
            f"`python -m ml.train --stage {stage} --attach {job}`."
        )
    follow.check(description)
    artifact = description["ModelArtifacts"]["S3ModelArtifacts"]
    if not artifact.startswith(f"s3://{bucket}/{runs.PREFIX}{job}/"):
        raise UserError(f"Training job {job} wrote to {artifact}; stage {stage} uses s3://{bucket}/{runs.PREFIX}.", 2)
    _, log = follow.follow(job, lambda line: None)
    run = runs.store(description, log, table)
    if run is None:
        stopped = description["TrainingJobStatus"] == "Stopped"
        ending = follow.stop_reason(description) if stopped else "completed"
        raise UserError(f"Training job {job} {ending}, but left no model: {artifact} does not exist.")
    return run
