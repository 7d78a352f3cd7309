"""The model, its configuration and the endpoint."""

from typing import Any

import pytest
from aws_cdk.assertions import Template

from infra import resolution
from infra.endpoint import EBS_ONLY, has_keyed_volume
from infra.image_uris import ACCOUNTS, offers_pytorch, repository_arns
from ml.algorithms import BUILT_IN, PYTORCH
from ml.aws import image_uris, instance_types
from ml.errors import UserError
from ml.scoring import transform_job

from .builders import MODEL, Synth, compose, context, properties, resources, variables


def variant(template: Template) -> dict[str, Any]:
    (config,) = properties(template, "AWS::SageMaker::EndpointConfig")
    (production,) = config["ProductionVariants"]
    return dict(production)


def test_the_model_serves_the_artifact_in_context(endpoint: Template) -> None:
    (model,) = properties(endpoint, "AWS::SageMaker::Model")
    assert model["PrimaryContainer"]["ModelDataUrl"] == MODEL["artifact"]
    assert model["PrimaryContainer"]["Image"] == MODEL["image"]
    assert "Environment" not in model["PrimaryContainer"]
    assert model["ExecutionRoleArn"] == {"Fn::ImportValue": "Pneumonia-dev-Storage:ExecutionRoleArn"}


def test_the_container_has_the_image_and_the_environment_of_the_entry() -> None:
    container = image_uris.inference_container(PYTORCH, "us-east-1")
    template = compose(context(**{"model:dev": MODEL | container}))["Endpoint"]
    (model,) = properties(template, "AWS::SageMaker::Model")
    assert model["PrimaryContainer"] == {
        "Image": "763104351884.dkr.ecr.us-east-1.amazonaws.com/pytorch-inference:2.6.0-cpu-py312",
        "Environment": container["environment"],
        "ModelDataUrl": MODEL["artifact"],
    }


def test_the_container_has_no_network(endpoint: Template) -> None:
    (model,) = properties(endpoint, "AWS::SageMaker::Model")
    assert model["EnableNetworkIsolation"] is True


def test_model_and_configuration_are_named_by_cloudformation(endpoint: Template) -> None:
    (model,) = properties(endpoint, "AWS::SageMaker::Model")
    (config,) = properties(endpoint, "AWS::SageMaker::EndpointConfig")
    assert "ModelName" not in model
    assert "EndpointConfigName" not in config


@pytest.mark.parametrize("resource_type", ["AWS::SageMaker::Model", "AWS::SageMaker::EndpointConfig"])
def test_what_an_update_replaces_stays_for_a_rollback_and_the_rest_goes_with_the_stack(
    endpoint: Template, resource_type: str
) -> None:
    (resource,) = resources(endpoint, resource_type)
    assert (resource["UpdateReplacePolicy"], resource["DeletionPolicy"]) == ("Retain", "Delete")


def test_the_endpoint_has_the_name_that_the_proxy_asks(endpoint: Template, api: Template) -> None:
    (deployed,) = properties(endpoint, "AWS::SageMaker::Endpoint")
    assert deployed["EndpointName"] == variables(api)["ENDPOINT_NAME"] == "pneumonia-dev"


def test_a_realtime_endpoint_has_the_instances_of_the_settings(synth: Synth) -> None:
    realtime = variant(synth(instance_type="ml.c5.xlarge", instance_count="3")["Endpoint"])
    assert (realtime["InstanceType"], realtime["InitialInstanceCount"]) == ("ml.c5.xlarge", 3)


def test_a_serverless_endpoint_has_memory_and_no_instance(synth: Synth) -> None:
    template = synth(hosting="serverless", serverless_memory_mb="4096")["Endpoint"]
    serverless = variant(template)
    assert serverless["ServerlessConfig"] == {"MemorySizeInMB": 4096, "MaxConcurrency": 5}
    assert "InstanceType" not in serverless
    (model,) = properties(template, "AWS::SageMaker::Model")
    assert "EnableNetworkIsolation" not in model


def test_the_role_can_pull_the_images_of_both_algorithms_in_each_region() -> None:
    for region in ACCOUNTS:
        offered = [BUILT_IN, *([PYTORCH] if offers_pytorch(region) else [])]
        images = [image_uris.training_image(name, region) for name in offered]
        images += [str(image_uris.inference_container(name, region)["image"]) for name in offered]
        pulled = {arn.split(":")[4] + "/" + arn.rpartition("/")[2] for arn in repository_arns(region)}
        assert {f"{uri[:12]}/{uri.split('/')[1].split(':')[0]}" for uri in images} == pulled, region


@pytest.mark.parametrize("region", ["us-iso-east-1", "us-isob-east-1", "us-isof-south-1"])
def test_where_there_is_no_image_of_pytorch_training_it_is_refused_with_the_region(region: str) -> None:
    assert not offers_pytorch(region)
    with pytest.raises(UserError, match=f"pytorch is not offered in {region}"):
        image_uris.training_image(PYTORCH, region)


def test_a_new_configuration_serves_under_alarms_before_the_old_one_goes(synth: Synth) -> None:
    template = synth(rollback_wait_minutes="7")["Endpoint"]
    (deployed,) = properties(template, "AWS::SageMaker::Endpoint")
    update = deployed["DeploymentConfig"]
    policy = update["BlueGreenUpdatePolicy"]
    assert policy["TrafficRoutingConfiguration"]["WaitIntervalInSeconds"] == policy["TerminationWaitInSeconds"] == 420
    assert policy["MaximumExecutionTimeoutInSeconds"] > 2 * 420
    alarms = template.find_resources("AWS::CloudWatch::Alarm")
    assert {alarm["AlarmName"]["Ref"] for alarm in update["AutoRollbackConfiguration"]["Alarms"]} == set(alarms)
    for alarm in alarms.values():
        dimensions = {dimension["Name"]: dimension["Value"] for dimension in alarm["Properties"]["Dimensions"]}
        assert dimensions == {"EndpointName": "pneumonia-dev", "VariantName": "AllTraffic"}


@pytest.mark.parametrize("changes", [{"hosting": "serverless"}, {"rollback_wait_minutes": "0"}])
def test_an_endpoint_that_does_not_roll_back_has_no_alarms(synth: Synth, changes: dict[str, str]) -> None:
    (deployed,) = properties(synth(**changes)["Endpoint"], "AWS::SageMaker::Endpoint")
    assert "DeploymentConfig" not in deployed


def test_instances_follow_the_requests_between_the_bounds_of_the_settings(synth: Synth, endpoint: Template) -> None:
    endpoint.resource_count_is("AWS::ApplicationAutoScaling::ScalableTarget", 0)
    scaled = synth(instance_count="2", autoscaling_max_instances="5", autoscaling_target="120")["Endpoint"]
    (target,) = properties(scaled, "AWS::ApplicationAutoScaling::ScalableTarget")
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 5)
    assert target["ResourceId"] == "endpoint/pneumonia-dev/variant/AllTraffic"
    (policy,) = properties(scaled, "AWS::ApplicationAutoScaling::ScalingPolicy")
    assert policy["TargetTrackingScalingPolicyConfiguration"]["TargetValue"] == 120
    (deployed,) = properties(scaled, "AWS::SageMaker::Endpoint")
    assert deployed["RetainAllVariantProperties"] is True


@pytest.mark.parametrize(
    ("instance_type", "keyed"),
    [
        ("ml.m5.large", True), ("ml.c6i.xlarge", True), ("ml.c7gn.large", True), ("ml.p3.2xlarge", True),
        ("ml.m5d.large", False), ("ml.m6idn.large", False), ("ml.g4dn.xlarge", False), ("ml.p3dn.24xlarge", False),
        ("ml.g5.xlarge", False),
    ],
)  # fmt: skip
def test_a_volume_gets_the_key_unless_the_type_has_local_disks(instance_type: str, keyed: bool) -> None:
    settings = resolution.read(context(kms="create", instance_type=instance_type))
    assert has_keyed_volume(settings) is keyed
    request = transform_job.request("job", {}, "s3://images/out", instance_type, BUILT_IN, key="arn:key")
    assert ("VolumeKmsKeyId" in request["TransformResources"]) is keyed


@pytest.mark.parametrize(("instance_type", "keyed"), [("ml.m5.large", True), ("ml.g5.xlarge", False)])
def test_the_configuration_has_the_key_of_its_volume(synth: Synth, instance_type: str, keyed: bool) -> None:
    (config,) = properties(
        synth(kms="create", instance_type=instance_type)["Endpoint"], "AWS::SageMaker::EndpointConfig"
    )
    assert ("KmsKeyId" in config) is keyed


def test_no_image_is_stored_by_the_endpoint_unless_a_setting_says_so(synth: Synth, endpoint: Template) -> None:
    (config,) = properties(endpoint, "AWS::SageMaker::EndpointConfig")
    assert "DataCaptureConfig" not in config
    (config,) = properties(synth(data_capture_percent="5")["Endpoint"], "AWS::SageMaker::EndpointConfig")
    assert config["DataCaptureConfig"]["InitialSamplingPercentage"] == 5


def test_the_stacks_and_the_jobs_know_the_same_instance_types_without_local_disks() -> None:
    assert EBS_ONLY.pattern == instance_types.EBS_ONLY.pattern
