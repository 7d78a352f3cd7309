"""Each grant of each role is necessary: without it, a call is denied that all grants together allow.

The grants are those of the synthesised templates. The calls go to localaws, which enforces IAM.
"""

import copy
import time
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import botocore.exceptions
import pytest
from aws_cdk.assertions import Template

from infra import execution_role, processing_role
from infra.endpoint import CAPTURE
from ml.processing import sequence
from ml.training import script_mode
from tests.localaws.server.builders import Server

from .builders import MODEL, Synth, arn_text, as_list

BUCKET, EVALUATION = "grants", "data-bucket"
JOB_LOGS = "/aws/sagemaker/TrainingJobs"
PROXY_LOGS = "/proxy"
QUEUE = "lease-failures"
LOGS = "arn:<Partition>:logs:us-east-1:<AccountId>:log-group:/aws/sagemaker/*"
UPLOADS = "arn:<Partition>:s3:::<Pneumonia-dev-Storage:DataBucketName>/uploads/*"
ENDPOINT = "arn:aws:sagemaker:us-east-1:<AccountId>:endpoint/pneumonia-dev"
SCHEDULE = "arn:aws:scheduler:us-east-1:<AccountId>:schedule/default/pneumonia-dev-lease"
IMAGES = (
    "arn:aws:ecr:us-east-1:811284229777:repository/image-classification",
    "arn:aws:ecr:us-east-1:763104351884:repository/pytorch-training",
    "arn:aws:ecr:us-east-1:763104351884:repository/pytorch-inference",
)
EVALUATION_PREFIX = MODEL["report"].removeprefix("s3://").removesuffix("report.html")

GRAPH = MODEL["graph"]["uri"].removeprefix("s3://")
VARIANTS: list[dict[str, str]] = [{}, {"hosting": "function", "source_buckets": "hospital-films"}]
JOB_ROLES = ("Execution", "Processing")

Grant = tuple[str, str, str]

PROBED: list[Grant] = [
    ("Execution", "s3:ListBucket", "<Data>"),
    *(("Execution", "s3:GetObject", f"<Data>/{part}/*") for part in ("datasets", "training", "checkpoints", "code")),
    ("Execution", "s3:GetObject", "<Data>/transform-input/*"),
    *(("Execution", "s3:PutObject", f"<Data>/{part}/*") for part in ("training", "transform", "checkpoints")),
    ("Execution", "cloudwatch:DescribeAlarms", "*"),
    ("Processing", "s3:ListBucket", "<Data>"),
    *(("Processing", "s3:GetObject", f"<Data>/{part}/*") for part in ("processing", "code")),
    *(("Processing", "s3:PutObject", f"<Data>/{part}/*") for part in ("processing", "datasets")),
    ("Processing", "s3:ListBucket", "arn:<Partition>:s3:::hospital-films"),
    ("Processing", "s3:GetObject", "arn:<Partition>:s3:::hospital-films/*"),
    *(
        (role, f"logs:{name}", LOGS)
        for role in JOB_ROLES
        for name in ("CreateLogGroup", "CreateLogStream", "PutLogEvents", "DescribeLogStreams")
    ),
    *(
        (role, action, "*")
        for role in JOB_ROLES
        for action in ("cloudwatch:PutMetricData", "ecr:GetAuthorizationToken")
    ),
    ("ProxyRole", "sagemaker:InvokeEndpoint", ENDPOINT),
    ("ProxyRole", "s3:GetObject", UPLOADS),
    ("ProxyRole", "s3:PutObject", UPLOADS),
    ("ProxyRole", "s3:GetObject", f"arn:<Partition>:s3:::{EVALUATION_PREFIX}metrics.json"),
    ("ProxyRole", "s3:GetObject", f"arn:<Partition>:s3:::{EVALUATION_PREFIX}report.html"),
    ("ProxyRole", "scheduler:GetSchedule", SCHEDULE),
    ("ProxyRole", "logs:CreateLogStream", "<ProxyLogs>:*"),
    ("ProxyRole", "logs:PutLogEvents", "<ProxyLogs>:*"),
    ("ProxyRole", "s3:GetObject", f"arn:<Partition>:s3:::{GRAPH}"),
    ("LeaseRole", "sagemaker:DeleteEndpoint", ENDPOINT),
    ("LeaseRole", "sqs:SendMessage", "<LeaseFailures>"),
]
NOT_PROBED: dict[Grant, str] = {
    (role, f"ecr:{name}", image): "the image is in an AWS account, and there is no local registry"
    for role in JOB_ROLES
    for name in ("BatchCheckLayerAvailability", "BatchGetImage", "GetDownloadUrlForLayer")
    for image in IMAGES
}


def test_every_grant_in_the_templates_is_probed_or_has_a_reason_not_to_be(synth: Synth) -> None:
    granted = [[grant for template in synth(**changes).values() for grant in grants(template)] for changes in VARIANTS]
    assert all(len(variant) == len(set(variant)) for variant in granted)
    assert {grant for variant in granted for grant in variant} == {*PROBED, *NOT_PROBED}


def test_the_processing_role_can_write_what_its_jobs_write_and_reads_what_they_read() -> None:
    assert sequence.PREFIX in processing_role.READ
    assert sequence.PREFIX in processing_role.WRITE
    assert script_mode.PREFIX in processing_role.READ
    assert script_mode.PREFIX not in processing_role.WRITE


def test_no_role_can_approve_or_promote_a_model() -> None:
    """The credentials of a person do both. Jobs and the API never call Model Registry."""
    for _, action, _ in (*PROBED, *NOT_PROBED):
        assert "ModelPackage" not in action
        assert not action.startswith("sagemaker:") or "*" not in action


def test_the_role_can_read_code_and_weights_of_a_job_and_cannot_write_them() -> None:
    program = script_mode.ScriptFiles(pretrained=True).program("image", "us-east-1", "bucket")
    for uri in (program.source, program.weights):
        prefix = uri.removeprefix("s3://bucket/").partition("/")[0]
        assert prefix in execution_role.READ
        assert prefix not in (*execution_role.WRITE, CAPTURE)


@pytest.fixture(scope="module")
def cloud(server: Server) -> Server:
    """Add what the calls refer to."""
    s3, logs = server.client("s3"), server.client("logs")
    for bucket in (BUCKET, EVALUATION, "hospital-films"):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket="hospital-films", Key="x", Body=b"x")
    for part in ("processing", "datasets", "training", "checkpoints", "code", "transform-input", "uploads"):
        s3.put_object(Bucket=BUCKET, Key=f"{part}/x", Body=b"x")
    for name in ("metrics.json", "report.html"):
        s3.put_object(Bucket=EVALUATION, Key=f"{EVALUATION_PREFIX.partition('/')[2]}{name}", Body=b"{}")
    s3.put_object(Bucket=EVALUATION, Key=GRAPH.partition("/")[2], Body=b"x")
    for group in (JOB_LOGS, PROXY_LOGS):
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="probe")
    server.client("scheduler").create_schedule(**SCHEDULED)
    server.client("sqs").create_queue(QueueName=QUEUE)
    return server


@pytest.mark.parametrize(
    "grant", PROBED, ids=lambda grant: f"{grant[0]} {grant[1]} {grant[2].rpartition('/')[0][-24:]}"
)
def test_without_a_grant_the_call_that_needs_it_is_denied_and_with_all_it_is_not(
    grant: Grant, cloud: Server, synth: Synth
) -> None:
    role, action, resource = grant
    variants = (synth(**changes).values() for changes in VARIANTS)
    templates = next(variant for variant in variants if any(grant in grants(template) for template in variant))
    statements = [statement for template in templates for statement in statements_of(template, role)]
    assert not denied(cloud, statements, action, resource)
    assert denied(cloud, list(without(statements, action, resource)), action, resource)


def grants(template: Template) -> Iterator[Grant]:
    """Yield role, action and resource of each grant to a role of the project."""
    for role in (*JOB_ROLES, "ProxyRole", "LeaseRole"):
        for statement in statements_of(template, role):
            for action in as_list(statement["Action"]):
                for resource in as_list(statement["Resource"]):
                    yield role, action, resource


@cache
def statements_of(template: Template, role: str) -> list[dict[str, Any]]:
    """Return the statements of a role's policies, with resources as text."""
    return [
        statement | {"Resource": [arn_text(target) for target in as_list(statement["Resource"])]}
        for policy in template.find_resources("AWS::IAM::Policy").values()
        if any(reference["Ref"].startswith(role) for reference in policy["Properties"]["Roles"])
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
    ]


def without(statements: list[dict[str, Any]], action: str, resource: str) -> Iterator[dict[str, Any]]:
    """Yield the statements without one action on one resource."""
    for statement in copy.deepcopy(statements):
        actions, resources = as_list(statement["Action"]), statement["Resource"]
        if action not in actions or resource not in resources:
            yield statement
            continue
        others = [name for name in actions if name != action]
        if others:
            yield statement | {"Action": others}
        if rest := [target for target in resources if target != resource]:
            yield statement | {"Action": [action], "Resource": rest, "Sid": f"{statement.get('Sid', '')}Rest"}


def resolved(resource: str) -> str:
    """Return the ARN on localaws that a reference stands for."""
    names = {
        "<Data>": f"arn:aws:s3:::{BUCKET}",
        "<Pneumonia-dev-Storage:DataBucketName>": BUCKET,
        "<ProxyLogs>": f"arn:aws:logs:us-east-1:000000000000:log-group:{PROXY_LOGS}",
        "<LeaseFailures>": f"arn:aws:sqs:us-east-1:000000000000:{QUEUE}",
        "<Partition>": "aws",
        "<AccountId>": "000000000000",
    }
    for name, value in names.items():
        resource = resource.replace(name, value)
    return resource


def denied(cloud: Server, statements: list[dict[str, Any]], action: str, resource: str) -> bool:
    """Return whether a role with these statements is denied the call that needs the grant."""
    policy = [statement | {"Resource": list(map(resolved, statement["Resource"]))} for statement in statements]
    credentials = cloud.role(f"role-{time.monotonic_ns()}", *policy)
    target = resolved(resource)
    try:
        PROBES[action](lambda service: cloud.client(service, *credentials), target)
    except botocore.exceptions.ClientError as error:
        return error.response["Error"]["Code"] in ("AccessDenied", "AccessDeniedException")
    return False


SCHEDULED = {
    "Name": "pneumonia-dev-lease",
    "ScheduleExpression": "at(2099-01-01T00:00:00)",
    "FlexibleTimeWindow": {"Mode": "OFF"},
    "Target": {
        "Arn": "arn:aws:scheduler:::aws-sdk:sagemaker:deleteEndpoint",
        "RoleArn": "arn:aws:iam::000000000000:role/pneumonia-dev-lease-us-east-1",
        "Input": '{"EndpointName": "pneumonia-dev"}',
    },
}
Clients = Callable[[str], Any]


def bucket_and_key(arn: str) -> tuple[str, str]:
    """Return bucket and key of an object's ARN, with "x" for a wildcard."""
    bucket, _, key = arn.removeprefix("arn:aws:s3:::").partition("/")
    return bucket, key.replace("*", "x")


def get(clients: Clients, arn: str) -> None:
    bucket, key = bucket_and_key(arn)
    clients("s3").get_object(Bucket=bucket, Key=key)


def put(clients: Clients, arn: str) -> None:
    bucket, key = bucket_and_key(arn)
    clients("s3").put_object(Bucket=bucket, Key=key, Body=b"x")


def group_of(arn: str) -> str:
    return PROXY_LOGS if PROXY_LOGS in arn else JOB_LOGS


def new_name() -> str:
    return f"probe-{time.monotonic_ns()}"


def put_events(clients: Clients, arn: str) -> None:
    event = {"timestamp": int(time.time() * 1000), "message": "probe"}
    clients("logs").put_log_events(logGroupName=group_of(arn), logStreamName="probe", logEvents=[event])


PROBES: dict[str, Callable[[Clients, str], object]] = {
    "s3:ListBucket": lambda clients, arn: clients("s3").list_objects_v2(Bucket=bucket_and_key(arn)[0]),
    "s3:GetObject": get,
    "s3:PutObject": put,
    "logs:CreateLogGroup": lambda clients, _: clients("logs").create_log_group(
        logGroupName=f"/aws/sagemaker/{new_name()}"
    ),
    "logs:CreateLogStream": lambda clients, arn: clients("logs").create_log_stream(
        logGroupName=group_of(arn), logStreamName=new_name()
    ),
    "logs:PutLogEvents": put_events,
    "logs:DescribeLogStreams": lambda clients, arn: clients("logs").describe_log_streams(logGroupName=group_of(arn)),
    "cloudwatch:PutMetricData": lambda clients, _: clients("cloudwatch").put_metric_data(
        Namespace="/aws/sagemaker/TrainingJobs", MetricData=[{"MetricName": "probe", "Value": 1.0}]
    ),
    "cloudwatch:DescribeAlarms": lambda clients, _: clients("cloudwatch").describe_alarms(),
    "ecr:GetAuthorizationToken": lambda clients, _: clients("ecr").get_authorization_token(),
    "sagemaker:InvokeEndpoint": lambda clients, _: clients("sagemaker-runtime").invoke_endpoint(
        EndpointName="pneumonia-dev", ContentType="image/jpeg", Body=b"x"
    ),
    "scheduler:GetSchedule": lambda clients, _: clients("scheduler").get_schedule(Name=SCHEDULED["Name"]),
    "sagemaker:DeleteEndpoint": lambda clients, _: clients("sagemaker").delete_endpoint(EndpointName="pneumonia-dev"),
    "sqs:SendMessage": lambda clients, _: clients("sqs").send_message(
        QueueUrl=clients("sqs").meta.endpoint_url + f"/000000000000/{QUEUE}", MessageBody="probe"
    ),
}
"""A call for each action. A role without the grant gets AccessDenied, also for an endpoint that does not exist."""
