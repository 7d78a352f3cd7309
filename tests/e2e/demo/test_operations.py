"""The commands for a running stage: verify, and the lease."""

import re

from tests.waiting import OFTEN

from ..builders import STAGE, Demo


def test_a_silent_rollback_reads_as_a_failure(cloud: Demo) -> None:
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
        sagemaker.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=OFTEN)
        sagemaker.delete_endpoint_config(EndpointConfigName="before")
    assert done.returncode == 1
    assert "runs before" in done.stderr
    assert deployed in done.stderr


def test_a_lease_is_extended_at_once_and_ended_only_with_yes(cloud: Demo) -> None:
    lease = ["python", "-m", "ml.lease", "--stage", STAGE]
    scheduler = cloud.session.client("scheduler")
    before = scheduler.get_schedule(Name=f"pneumonia-{STAGE}-lease")
    assert cloud.run(*lease, "extend", "--hours", "3").returncode == 0
    after = scheduler.get_schedule(Name=f"pneumonia-{STAGE}-lease")
    assert after["ScheduleExpression"] < before["ScheduleExpression"]
    assert (after["Target"], after["FlexibleTimeWindow"]) == (before["Target"], before["FlexibleTimeWindow"])
    assert re.search("in (2 h 59|3 h 0) min", cloud.run(*lease, "status").stdout)
    refused = cloud.run(*lease, "end")
    assert (refused.returncode, "add --yes" in refused.stderr) == (2, True)
