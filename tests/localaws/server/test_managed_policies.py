"""AWS's managed policies: what they grant, which can be attached, and how a role's grants are simulated."""

import json
import uuid
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.server.builders import Server, document
from tests.waiting import OFTEN

AWS = "arn:aws:iam::aws:policy"
GRANT = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}


def refused(call: Any, **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def test_a_role_with_sagemakers_full_access_has_what_that_policy_grants(server: Server) -> None:
    credentials = server.role("data-scientist")
    server.client("iam").attach_role_policy(RoleName="data-scientist", PolicyArn=f"{AWS}/AmazonSageMakerFullAccess")
    s3 = server.client("s3", *credentials)
    s3.create_bucket(Bucket="sagemaker-us-east-1-000000000000")
    s3.put_object(Bucket="sagemaker-us-east-1-000000000000", Key="a", Body=b"image")
    assert server.client("sagemaker", *credentials).list_models()["Models"] == []
    server.client("s3").create_bucket(Bucket="other-team")
    assert refused(s3.put_object, Bucket="other-team", Key="a", Body=b"image")[0] == "AccessDenied"
    assert refused(server.client("iam", *credentials).create_user, UserName="x")[0] == "AccessDenied"


def test_a_managed_policy_can_be_read_in_the_version_it_names(server: Server) -> None:
    iam, arn = server.client("iam"), f"{AWS}/AmazonSageMakerReadOnly"
    version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
    statements = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]["Document"]["Statement"]
    assert "sagemaker:Describe*" in statements[0]["Action"]


@pytest.mark.parametrize("entity", ["role", "user", "group"])
@pytest.mark.parametrize(
    ("arn", "code"),
    [
        (f"{AWS}/AmazonSagemakerFullAcces", "NoSuchEntity"),
        (f"{AWS}/AWSLambdaBasicExecutionRole", "NoSuchEntity"),
        ("arn:aws:iam::000000000000:policy/missing", "NoSuchEntity"),
        (f"{AWS}/aws-service-role/APIGatewayServiceRolePolicy", "PolicyNotAttachable"),
    ],
)
def test_a_policy_that_does_not_exist_or_is_a_services_own_is_not_attached(
    server: Server, entity: str, arn: str, code: str
) -> None:
    iam, name = server.client("iam"), {f"{entity.title()}Name": uuid.uuid4().hex}
    trust = {"AssumeRolePolicyDocument": document()} if entity == "role" else {}
    getattr(iam, f"create_{entity}")(**name, **trust)
    received = refused(getattr(iam, f"attach_{entity}_policy"), **name, PolicyArn=arn)
    assert received[0] == code
    assert arn in received[1]
    assert getattr(iam, f"list_attached_{entity}_policies")(**name)["AttachedPolicies"] == []


def test_a_policy_of_the_account_can_be_attached(server: Server) -> None:
    iam = server.client("iam")
    arn = iam.create_policy(PolicyName="own", PolicyDocument=document(GRANT))["Policy"]["Arn"]
    server.role("has-own-policy")
    iam.attach_role_policy(RoleName="has-own-policy", PolicyArn=arn)
    attached = iam.list_attached_role_policies(RoleName="has-own-policy")["AttachedPolicies"]
    assert [policy["PolicyArn"] for policy in attached] == [arn]


def test_a_stack_whose_role_names_an_unknown_policy_fails(server: Server) -> None:
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "AssumeRolePolicyDocument": json.loads(document()),
            "ManagedPolicyArns": [f"{AWS}/AmazonSagemakerFullAcces"],
        },
    }
    cloudformation = server.client("cloudformation")
    template = json.dumps({"Resources": {"Role": role}})
    cloudformation.create_stack(
        StackName="typing-error", TemplateBody=template, OnFailure="DO_NOTHING", Capabilities=["CAPABILITY_IAM"]
    )
    with pytest.raises(Exception, match="CREATE_FAILED"):
        cloudformation.get_waiter("stack_create_complete").wait(StackName="typing-error", WaiterConfig=OFTEN)
    events = cloudformation.describe_stack_events(StackName="typing-error")["StackEvents"]
    reasons = " ".join(event.get("ResourceStatusReason", "") for event in events)
    assert f"{AWS}/AmazonSagemakerFullAcces does not exist" in reasons


@pytest.mark.parametrize("path", ["/", "/service-role/", "/team/data/"])
def test_a_simulation_finds_the_policies_of_a_role_with_a_path(server: Server, path: str) -> None:
    iam, name = server.client("iam"), f"simulated{path.replace('/', '-')}role"
    arn = iam.create_role(RoleName=name, Path=path, AssumeRolePolicyDocument=document())["Role"]["Arn"]
    iam.put_role_policy(RoleName=name, PolicyName="grants", PolicyDocument=document(GRANT))
    results = iam.simulate_principal_policy(PolicySourceArn=arn, ActionNames=["s3:GetObject", "s3:PutObject"])
    decisions = {result["EvalActionName"]: result["EvalDecision"] for result in results["EvaluationResults"]}
    assert decisions == {"s3:GetObject": "allowed", "s3:PutObject": "implicitDeny"}
