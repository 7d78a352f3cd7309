"""Wait for the end of a training job, record the run, and make its model the stage's."""

from pathlib import Path

from ml import project
from ml.aws import errors
from ml.errors import UserError
from ml.training import follow, prices, runs


def finish(stage: str, job: str, price_table: Path | None = None) -> None:
    """Follow a job to its end and record it; make the model of a completed job the stage's.

    Raises:
        UserError: the job failed or was stopped, or it cannot be followed.
    """
    table = prices.read(price_table)
    command = command_line(stage)
    with errors.advising(errors.still_billed("Training job", job, command)):
        description, log = follow.follow(job, lambda line: print(line, flush=True))
    follow.check(description)
    with errors.advising(f"Training job {job} has ended; `{command} --attach {job}` records it."):
        run = runs.store(description, log, table)
    if description["TrainingJobStatus"] == "Stopped":
        stopped = f"Training job {job} {follow.stop_reason(description)}. The model in context is unchanged."
        if run is None:
            raise UserError(f"{stopped} The job left no model.")
        raise UserError(f"{stopped} The job left a model ({runs.summary(run)}): `{command} --use {job}` takes it.")
    if run is None:
        raise UserError(f"Training job {job} completed without a model; its log is in group {follow.GROUP}.")
    path = project.write_model(stage, runs.model_entry(run, None))
    print(
        f"Completed: {runs.summary(run)}.\nArtifact {run['artifact']}\nModel of stage {stage} written to {path.name}; "
        "evaluate it with `python -m ml.transform` before it can be deployed."
    )


def command_line(stage: str) -> str:
    """Return the command line of ml.train for a stage."""
    return f"python -m ml.train --stage {stage}"
