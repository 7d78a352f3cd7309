"""Serving by localaws: batch transform against a plain torch loop, the latency and the memory of an endpoint.

The torch loop decodes one image after the other and runs the same network in eager mode on all processors. Batch
transform's time is that of the whole job, from its start to its end as DescribeTransformJob gives them: download, start
of the container and upload included. Exit code 1 when batch transform is less than three times as fast, the median
latency is 40 ms or more, or the endpoint takes 600 MB or more. Run it as `python -m benchmarks.serving`.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import boto3
import numpy as np
import torch
from PIL import Image

from demo.commands import stop
from demo.services import free_port, start_localaws
from localaws.environment import client_environment
from localaws.image_classification import artifact
from localaws.image_classification.hyperparameters import parse
from ml.dataset import sources, standardising
from ml.dataset.radiographs import CLASSES
from ml.scoring.transform_job import request
from network import export, networks

ROOT = Path(__file__).resolve().parents[1]
IMAGE = "811284229777.dkr.ecr.us-east-1.amazonaws.com/image-classification:1"
BUCKET = "serving-benchmark"
SPEED, LATENCY_MS, MEMORY_MB = 3.0, 40.0, 600.0


def images(work: Path, count: int) -> list[bytes]:
    """Standardised synthetic images, the same ones over again where `count` is more than there are."""
    files = sources.open_source("phantom", work, 0, None).images
    done, _ = standardising.standardise_all(files, work / "standardised")
    bodies = [(work / "standardised" / CLASSES[image.label] / image.name).read_bytes() for image in done]
    return [bodies[number % len(bodies)] for number in range(count)]


def torch_loop(network: torch.nn.Module, bodies: list[bytes]) -> float:
    """Seconds of a plain eager loop over encoded images."""
    scorer = export.ServedNetwork(network).eval()
    started = time.perf_counter()
    with torch.no_grad():
        for body in bodies:
            with Image.open(io.BytesIO(body)) as image:
                scorer(torch.from_numpy(np.asarray(image.convert("RGB")).copy())[None]).tolist()
    return time.perf_counter() - started


def model_archive(network: networks.Ensemble, work: Path) -> bytes:
    """A model.tar.gz of the network."""
    hyperparameters = parse({"num_classes": "2", "num_training_samples": "1", "image_shape": "3,224,224"})
    artifact.write(network, hyperparameters, 1, work / "model")
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for path in sorted((work / "model").iterdir()):
            archive.add(path, path.name)
    return buffer.getvalue()


def deploy(bodies: list[bytes], model: bytes) -> None:
    """Put images and model into the local AWS, and make the SageMaker model."""
    s3, iam, sagemaker = (boto3.client(name) for name in ("s3", "iam", "sagemaker"))
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="model/model.tar.gz", Body=model)
    for number, body in enumerate(bodies):
        s3.put_object(Bucket=BUCKET, Key=f"images/{number:05}.jpg", Body=body)
    trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
    allowed = {"Effect": "Allow", "Action": ["s3:*", "logs:*"], "Resource": "*"}
    role = iam.create_role(RoleName="serving", AssumeRolePolicyDocument=json.dumps({"Statement": [trust]}))["Role"]
    iam.put_role_policy(RoleName="serving", PolicyName="all", PolicyDocument=json.dumps({"Statement": [allowed]}))
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/model/model.tar.gz"}
    sagemaker.create_model(ModelName="serving", PrimaryContainer=container, ExecutionRoleArn=role["Arn"])


def batch_transform(number: int) -> float:
    """Seconds of one batch transform job over all images."""
    sagemaker, name = boto3.client("sagemaker"), f"serving-{number}"
    source, target = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/images/"}, f"s3://{BUCKET}/out/{name}"
    sagemaker.create_transform_job(**request(name, "serving", source, target, "ml.m5.large"))
    while True:
        job: dict[str, Any] = sagemaker.describe_transform_job(TransformJobName=name)
        if job["TransformJobStatus"] == "Completed":
            return float((job["TransformEndTime"] - job["TransformStartTime"]).total_seconds())
        if job["TransformJobStatus"] == "Failed":
            raise SystemExit(f"The transform job failed: {job['FailureReason']}")
        time.sleep(0.2)


def invoke(bodies: list[bytes], calls: int) -> tuple[float, float, float]:
    """Median and 99th percentile of an endpoint's latency in ms, one call after the other, and its memory in MB."""
    sagemaker, runtime = boto3.client("sagemaker"), boto3.client("sagemaker-runtime")
    variant = {"VariantName": "all", "ModelName": "serving", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="serving", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="serving", EndpointConfigName="serving")
    sagemaker.get_waiter("endpoint_in_service").wait(EndpointName="serving", WaiterConfig={"Delay": 1})
    took = []
    for number in range(calls + 10):
        started = time.perf_counter()
        body = bodies[number % len(bodies)]
        runtime.invoke_endpoint(EndpointName="serving", ContentType="image/jpeg", Body=body)["Body"].read()
        took.append(1000 * (time.perf_counter() - started))
    warm = sorted(took[10:])
    return statistics.median(warm), warm[int(0.99 * len(warm))], resident("image_classification serve")


def resident(command: str) -> float:
    """Resident memory, in MB, of the processes whose command line holds these words."""
    listing = subprocess.run(["ps", "-eo", "rss=,args="], capture_output=True, text=True, check=True).stdout
    return sum(int(line.split()[0]) for line in listing.splitlines() if command in line) * 1024 / 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--images", type=int, default=2400, help="in a transform job (default %(default)s)")
    parser.add_argument("--runs", type=int, default=3, help="of loop and transform, in turn (default %(default)s)")
    parser.add_argument("--calls", type=int, default=300, help="of the endpoint (default %(default)s)")
    options = parser.parse_args()
    if min(options.images, options.runs, options.calls) < 1:
        parser.error("--images, --runs and --calls must be at least 1.")
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        bodies = images(work, options.images)
        network = networks.build(2, fine_tuned=True).eval()
        model = model_archive(network, work)
        port = free_port(0)
        os.environ.update(client_environment(port))
        server = start_localaws(ROOT, port, work / "state")
        try:
            deploy(bodies, model)
            pairs = [(torch_loop(network, bodies), batch_transform(number)) for number in range(options.runs)]
            median, tail, memory = invoke(bodies, options.calls)
        finally:
            stop(server)
    loop, transform = (min(side) for side in zip(*pairs, strict=True))
    print(f"{len(bodies)} images, best of {options.runs} runs, {os.cpu_count()} processors; {options.calls} calls")
    print(f"torch eager loop   {loop:7.2f} s {len(bodies) / loop:7.1f} images/s")
    print(f"batch transform    {transform:7.2f} s {len(bodies) / transform:7.1f} images/s {loop / transform:6.2f} x")
    print(f"InvokeEndpoint     {median:7.1f} ms median, {tail:.1f} ms 99th percentile")
    print(f"endpoint's memory  {memory:7.0f} MB")
    return 0 if loop / transform >= SPEED and median < LATENCY_MS and memory < MEMORY_MB else 1


if __name__ == "__main__":
    sys.exit(main())
