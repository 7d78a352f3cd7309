"""`python -m ml.train`: train the built-in Image Classification on a prepared data set."""

import argparse
import datetime as dt
import json
import sys
from typing import Any

from ml import aws, hyperparameters, project, request, watch
from ml.dataset import upload
from ml.errors import UserError, guarded
from ml.joblog import JobLog

EXAMPLES = """examples:
  python -m ml.train                                     train on the data set prepared last
  python -m ml.train --epochs 20 --instance-type ml.g5.xlarge
  python -m ml.train --dry-run                           print the request and create nothing
  python -m ml.train --attach pneumonia-dev-20260101-120000
"""


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    options = parse(argv)

    def command() -> None:
        stage = project.stage(options.stage)
        if options.stop:
            aws.client("sagemaker").stop_training_job(TrainingJobName=options.stop)
            print(f"Training job {options.stop} is being stopped.")
        elif options.attach:
            finish(stage, options.attach)
        else:
            start(stage, options)

    return guarded(command)


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Parse the command line; wrong usage ends with exit code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.train",
        description="Train SageMaker's built-in Image Classification on a prepared data set, and put the model into "
        "cdk.context.json for `cdk deploy`.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--stage", help="deployment stage (default: the one in cdk.json)")
    parser.add_argument("--dataset", metavar="NAME/VERSION", help="data set to train on (default: prepared last)")
    parser.add_argument(
        "--attach", metavar="JOB", help="follow a running job, and finish as if it had been started here"
    )
    parser.add_argument("--stop", metavar="JOB", help="stop a running job")
    parser.add_argument("--dry-run", action="store_true", help="print the request as JSON and create nothing")
    compute = parser.add_argument_group("compute")
    default = request.Compute()
    compute.add_argument("--instance-type", default=default.instance_type, help=f"default {default.instance_type}")
    compute.add_argument("--no-spot", action="store_true", help="pay on demand instead of waiting for spot capacity")
    compute.add_argument("--max-runtime", type=int, default=default.max_runtime, help="seconds (default %(default)s)")
    compute.add_argument(
        "--max-wait", type=int, default=default.max_wait, help="seconds with spot (default %(default)s)"
    )
    compute.add_argument("--volume-gb", type=int, default=default.volume_gb, help="disk (default %(default)s)")
    model = parser.add_argument_group("hyperparameters", "ranges as the algorithm has them")
    for one in hyperparameters.TABLE:
        shown = "not sent" if one.default is None else one.default
        model.add_argument(f"--{one.name.replace('_', '-')}", metavar="X", help=f"{one.help} (default {shown})")
    return parser.parse_args(argv)


def start(stage: str, options: argparse.Namespace) -> None:
    """Create a training job and follow it."""
    outputs = aws.stack_outputs(stage, "Storage")
    dataset = upload.read_version(outputs["DataBucketName"], options.dataset)
    samples = int(dataset["training_samples"])
    validation = sum(dataset["counts"]["validation"].values())
    sent = hyperparameters.resolve(vars(options), samples, len(dataset["classes"]))
    if validation < int(sent["mini_batch_size"]):
        raise UserError(f"--mini-batch-size {sent['mini_batch_size']} exceeds the {validation} validation films.", 2)
    name = f"pneumonia-{stage}-{dt.datetime.now(dt.UTC):%Y%m%d-%H%M%S}"
    place = request.Place(outputs["DataBucketName"], outputs["ExecutionRoleArn"], algorithm_image(aws.region()))
    compute = request.Compute(
        options.instance_type, not options.no_spot, options.max_runtime, options.max_wait, options.volume_gb
    )
    built = request.build(name, f"{dataset['name']}/{dataset['version']}", place, sent, compute,
                          dataset["settings"]["format"])  # fmt: skip
    if options.dry_run:
        print(json.dumps(built, indent=2))
        return
    create(built)
    print(f"Training job {name} on {dataset['name']}/{dataset['version']}: {samples} training films, "
          f"{validation} validation films, {sent['epochs']} epochs.", flush=True)  # fmt: skip
    finish(stage, name)


def algorithm_image(region: str) -> str:
    """Return the algorithm's image in a region.

    Raises:
        UserError: the algorithm is not offered there.
    """
    from sagemaker.core import image_uris

    try:
        return str(image_uris.retrieve(framework="image-classification", region=region))
    except ValueError as error:
        raise UserError(f"Image Classification is not offered in {region}; use another region: {error}") from error


def create(built: dict[str, Any]) -> None:
    """Create the job from the request, through sagemaker-core's resource.

    Raises:
        botocore.exceptions.ClientError: SageMaker refused it.
    """
    from sagemaker.core.resources import TrainingJob

    TrainingJob.create(**{snake(name): snake_members(value, name) for name, value in built.items()})


def snake_members(value: Any, member: str) -> Any:
    """Return a request's value with the names of its members in sagemaker-core's snake case."""
    if isinstance(value, list):
        return [snake_members(item, member) for item in value]
    if isinstance(value, dict) and member != "HyperParameters":
        return {snake(name): snake_members(item, name) for name, item in value.items()}
    return value


def snake(name: str) -> str:
    """Return InputDataConfig as input_data_config, and VolumeSizeInGB as volume_size_in_gb."""
    from sagemaker.core.utils.code_injection.codec import pascal_to_snake

    return str(pascal_to_snake(name))


def finish(stage: str, job: str) -> None:
    """Follow a job to its end, then record it and make its model the stage's."""
    try:
        description, log = watch.follow(job, lambda line: print(line, flush=True))
    except KeyboardInterrupt:
        raise UserError(
            "Stopped watching; the job goes on and is billed. Follow it again with "
            f"`python -m ml.train --attach {job}`, or end it with `--stop {job}`."
        ) from None
    record = run_record(description, log)
    artifact = record["artifact"]
    bucket, _, key = artifact.removeprefix("s3://").partition("/")
    run_key = key.replace("output/model.tar.gz", "run.json")
    aws.client("s3").put_object(Bucket=bucket, Key=run_key, Body=json.dumps(record, indent=2).encode())
    dataset = json.loads(
        aws.client("s3").get_object(Bucket=bucket, Key=f"datasets/{record['dataset']}/dataset.json")["Body"].read()
    )
    path = project.write_model(
        stage,
        {
            "artifact": artifact,
            "training_job": job,
            "classes": dataset["classes"],
            "image_shape": [3, 224, 224],
            "dataset": record["dataset"],
            "policy": dataset["settings"]["policy"],
            "threshold": 0.5,
            "threshold_source": "default, before any evaluation; run `python -m ml.transform`",
            "created": record["ended"],
        },
    )
    best = "unknown" if log.best is None else f"{log.best:.4f}"
    print(f"Completed: best validation accuracy {best}, {record['billable_seconds']} billable seconds.")
    print(f"Artifact {artifact}\nRun record s3://{bucket}/{run_key}\nModel of stage {stage} written to {path.name}.")


def run_record(description: dict[str, Any], log: JobLog) -> dict[str, Any]:
    """Return what is worth keeping of a finished job."""
    channel = description["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    return {
        "training_job": description["TrainingJobName"],
        "artifact": description["ModelArtifacts"]["S3ModelArtifacts"],
        "dataset": "/".join(channel.split("/datasets/")[1].split("/")[:2]),
        "hyperparameters": description["HyperParameters"],
        "image": description["AlgorithmSpecification"]["TrainingImage"],
        "instance_type": description["ResourceConfig"]["InstanceType"],
        "epochs": [vars(epoch) for epoch in log.epochs.values()],
        "best_validation_accuracy": log.best,
        "training_seconds": description.get("TrainingTimeInSeconds"),
        "billable_seconds": description.get("BillableTimeInSeconds"),
        "ended": description["TrainingEndTime"].astimezone(dt.UTC).isoformat(timespec="seconds"),
    }


if __name__ == "__main__":
    sys.exit(main())
