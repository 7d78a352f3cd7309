"""Past training runs: show them, or take one of them again."""

from ml import aws, project, runs


def show(stage: str) -> None:
    """Print past runs, the newest first; a star marks the one in context."""
    bucket = aws.stack_outputs(stage, "Storage")["DataBucketName"]
    current = project.read_context().get(f"model:{stage}", {}).get("training_job")
    found = runs.every(bucket)
    if not found:
        print(f"No runs in s3://{bucket}/{runs.PREFIX} yet.")
        return
    width = max(len(run["training_job"]) for run in found) + 2
    print(f"  {'job':<{width}}{'ended':<27}{'dataset':<30}{'best val. acc.':>14}{'test AUROC':>12}{'gate':>9}")
    for run in found:
        facts = runs.get_json(bucket, run["training_job"], "metrics.json")
        best = "-" if run["best_validation_accuracy"] is None else f"{run['best_validation_accuracy']:.4f}"
        auroc = "-" if facts is None else f"{facts['splits']['test']['AUROC']['value']:.4f}"
        gate = "-" if facts is None else "passed" if facts["gate"]["passed"] else "missed"
        star = "*" if run["training_job"] == current else " "
        print(
            f"{star} {run['training_job']:<{width}}{run['ended']:<27}{run['dataset']:<30}{best:>14}{auroc:>12}{gate:>9}"
        )


def use(stage: str, job: str) -> None:
    """Put a past run back into context, with its evaluation if it has one."""
    bucket = aws.stack_outputs(stage, "Storage")["DataBucketName"]
    entry = runs.model_entry(runs.find(bucket, job), runs.get_json(bucket, job, "metrics.json"))
    path = project.write_model(stage, entry)
    print(f"Model of stage {stage} in {path.name} is {job}; gate: {entry['gate']}.")
