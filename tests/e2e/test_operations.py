"""What whoever runs the stage does: verify, lease, destroy. Runs after the tests that need the endpoint."""

import re

import pytest

from .conftest import STAGE, Cloud

pytestmark = pytest.mark.e2e


def test_a_silent_rollback_reads_as_a_failure(cloud: Cloud) -> None:
    verify = ["python", "-m", "ml.verify", "--stage", STAGE]
    done = cloud.run(*verify)
    assert done.returncode == 0, done.stdout + done.stderr
    sagemaker, name = cloud.session.client("sagemaker"), f"pneumonia-{STAGE}"
    deployed = sagemaker.describe_endpoint(EndpointName=name)["EndpointConfigName"]
    config = sagemaker.describe_endpoint_config(EndpointConfigName=deployed)
    sagemaker.create_endpoint_config(EndpointConfigName="before", ProductionVariants=config["ProductionVariants"])
    try:
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName="before")
        done = cloud.run(*verify)
    finally:
        sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=deployed)
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig={"Delay": 1})
        sagemaker.delete_endpoint_config(EndpointConfigName="before")
    assert done.returncode == 1
    assert "runs before" in done.stderr
    assert deployed in done.stderr


def test_a_lease_is_extended_at_once_and_after_its_end_a_deployment_makes_the_endpoint_anew(cloud: Cloud) -> None:
    lease = ["python", "-m", "ml.lease", "--stage", STAGE]
    scheduler, sagemaker = cloud.session.client("scheduler"), cloud.session.client("sagemaker")
    before = scheduler.get_schedule(Name=f"pneumonia-{STAGE}-lease")
    assert cloud.run(*lease, "extend", "--hours", "3").returncode == 0
    after = scheduler.get_schedule(Name=f"pneumonia-{STAGE}-lease")
    assert after["ScheduleExpression"] < before["ScheduleExpression"]
    assert (after["Target"], after["FlexibleTimeWindow"]) == (before["Target"], before["FlexibleTimeWindow"])
    assert re.search("in (2 h 59|3 h 0) min", cloud.run(*lease, "status").stdout)
    refused = cloud.run(*lease, "end")
    assert (refused.returncode, "add --yes" in refused.stderr) == (2, True)
    assert cloud.run(*lease, "end", "--yes").returncode == 0
    told = cloud.run(*lease, "extend").stdout
    assert f"pneumonia-{STAGE}-2" in told
    deployed = cloud.run("cdk", "deploy", "--all", "--require-approval", "never", "--context", f"stage={STAGE}")
    assert deployed.returncode == 0, deployed.stderr
    # The CDK reports on stdout if the environment says CI, and on stderr otherwise.
    assert f"Pneumonia-{STAGE}-Storage (no changes)" in deployed.stdout + deployed.stderr
    assert [one["EndpointName"] for one in sagemaker.list_endpoints()["Endpoints"]] == [f"pneumonia-{STAGE}-2"]
    assert scheduler.get_schedule(Name=f"pneumonia-{STAGE}-lease")["State"] == "ENABLED"
    assert cloud.run("python", "-m", "ml.verify", "--stage", STAGE).returncode == 0


def test_destroy_leaves_only_the_role_of_the_regions_api_gateway(cloud: Cloud) -> None:
    """Runs last: it takes down what the tests above use."""
    done = cloud.run("cdk", "destroy", "--all", "--force", "--context", f"stage={STAGE}")
    assert done.returncode == 0, done.stdout + done.stderr
    client = cloud.session.client
    sagemaker = client("sagemaker")
    assert sagemaker.list_endpoints()["Endpoints"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_models()["Models"] == []
    assert client("lambda").list_functions()["Functions"] == []
    assert client("apigateway").get_rest_apis()["items"] == []
    assert client("apigateway").get_api_keys()["items"] == []
    assert [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"] if "cdk-" not in bucket["Name"]] == []
    roles = [role["RoleName"] for role in client("iam").list_roles()["Roles"]]
    (kept,) = (name for name in roles if name.lower().startswith("pneumonia-"))
    assert "ApiCloudWatchRole" in kept
