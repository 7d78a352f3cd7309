"""IAM's decisions, size limits and unsigned requests, for MiniStack's services and for SageMaker."""

import json
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.localaws.server.builders import Server, document


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def test_a_role_without_a_grant_reads_no_object(server: Server) -> None:
    server.client("s3").create_bucket(Bucket="guarded")
    server.client("s3").put_object(Bucket="guarded", Key="a", Body=b"image")
    nobody = server.client("s3", *server.role("reads-nothing"))
    assert refused(nobody.get_object, Bucket="guarded", Key="a") == "AccessDenied"
    grant = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::guarded/*"}
    reader = server.client("s3", *server.role("reads-objects", grant))
    assert reader.get_object(Bucket="guarded", Key="a")["Body"].read() == b"image"
    assert refused(reader.put_object, Bucket="guarded", Key="b", Body=b"") == "AccessDenied"


def test_a_role_without_a_grant_lists_no_endpoint(server: Server) -> None:
    nobody = server.client("sagemaker", *server.role("lists-nothing"))
    assert refused(nobody.list_endpoints) == "AccessDeniedException"
    grant = {"Effect": "Allow", "Action": "sagemaker:ListEndpoints", "Resource": "*"}
    lister = server.client("sagemaker", *server.role("lists-endpoints", grant))
    assert lister.list_endpoints()["Endpoints"] == []


def test_a_role_may_ask_the_endpoint_it_was_granted_and_no_other(server: Server) -> None:
    grant = {
        "Effect": "Allow",
        "Action": "sagemaker:InvokeEndpoint",
        "Resource": "arn:aws:sagemaker:us-east-1:000000000000:endpoint/granted",
    }
    runtime = server.client("sagemaker-runtime", *server.role("asks-one", grant))
    assert refused(runtime.invoke_endpoint, EndpointName="granted", Body=b"") == "ValidationError"
    assert refused(runtime.invoke_endpoint, EndpointName="other", Body=b"") == "AccessDeniedException"


def test_an_unknown_key_is_refused(server: Server) -> None:
    stranger = server.client("sagemaker", "AKIASTRANGER00000000", "secret", "token")
    assert refused(stranger.list_models) in ("UnrecognizedClientException", "InvalidClientTokenId")


def test_a_wrong_secret_is_refused(server: Server) -> None:
    key, _, token = server.role("wrong-secret", {"Effect": "Allow", "Action": "*", "Resource": "*"})
    forged = server.client("sagemaker", key, "another-secret", token)
    assert refused(forged.list_models) in ("InvalidSignatureException", "SignatureDoesNotMatch")


def test_a_tls_only_bucket_takes_a_client_on_the_loopback(server: Server) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="tls-only")
    denial = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": ["arn:aws:s3:::tls-only", "arn:aws:s3:::tls-only/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip
    s3.put_bucket_policy(Bucket="tls-only", Policy=document(denial))
    s3.put_object(Bucket="tls-only", Key="a", Body=b"image")
    assert s3.get_object(Bucket="tls-only", Key="a")["Body"].read() == b"image"


def test_a_body_beyond_ten_megabytes_is_too_large_for_an_api(server: Server) -> None:
    url = f"http://localhost:{server.port}/restapis/abc/dev/_user_request_/predict"
    request = urllib.request.Request(url, data=b"\0" * (10 * 1024 * 1024 + 1), method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)  # noqa: S310
    assert caught.value.code == 413
    assert caught.value.headers["Content-Type"] == "text; charset=utf-8"
    assert caught.value.read() == b"HTTP content length exceeded 10485760 bytes."


FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UNSIGNED: list[tuple[str, str, bytes | None, dict[str, str]]] = [
    ("GET", "/private/image", None, {}),
    ("PUT", "/private/another", b"image", {}),
    ("GET", "/private?list-type=2", None, {}),
    ("POST", "/", b"Action=ListRoles&Version=2010-05-08", FORM),
    ("POST", "/", b"Action=DeleteStack&StackName=x&Version=2010-05-15", FORM),
    ("GET", "/restapis", None, {}),
    ("GET", "/2015-03-31/functions", None, {}),
    ("POST", "/", b"{}", {"X-Amz-Target": "SageMaker.ListModels", "Content-Type": "application/x-amz-json-1.1"}),
    ("POST", "/endpoints/any/invocations", b"image", {"Content-Type": "image/jpeg"}),
]


def status(server: Server, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> int:
    """Send a request without a signature; return the status."""
    request = urllib.request.Request(f"http://localhost:{server.port}{path}", body, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


@pytest.fixture(scope="module")
def private(server: Server) -> Server:
    """The server with an object that only its account may read."""
    server.client("s3").create_bucket(Bucket="private")
    server.client("s3").put_object(Bucket="private", Key="image", Body=b"image")
    return server


@pytest.mark.parametrize(("method", "path", "body", "headers"), UNSIGNED)
def test_an_unsigned_request_is_refused(
    private: Server, method: str, path: str, body: bytes | None, headers: dict[str, str]
) -> None:
    assert status(private, method, path, body, headers) == 403


@pytest.mark.parametrize("path", ["/_ministack/reset", "/_ministack/config"])
def test_no_web_page_can_reach_the_controls_of_the_server(private: Server, path: str) -> None:
    assert status(private, "POST", path, b"{}", {"Content-Type": "text/plain"}) == 403
    assert private.client("s3").get_object(Bucket="private", Key="image")["Body"].read() == b"image"


def test_a_custom_resources_function_can_answer_cloudformation(private: Server) -> None:
    answer = json.dumps({"Status": "SUCCESS", "PhysicalResourceId": "it"}).encode()
    assert status(private, "PUT", "/_ministack/cfn-response/no-such-token", answer, {}) == 200


def test_a_body_of_ten_megabytes_passes_the_gateway(server: Server) -> None:
    path = "/restapis/abc/dev/_user_request_/predict"
    assert status(server, "POST", path, b"\0" * (10 * 1024 * 1024), {"Content-Type": "image/jpeg"}) == 404


def test_a_body_beyond_25_megabytes_is_too_large_for_an_endpoint(server: Server) -> None:
    runtime = server.client("sagemaker-runtime")
    with pytest.raises(ClientError) as caught:
        runtime.invoke_endpoint(EndpointName="any", ContentType="image/jpeg", Body=b"\0" * (25 * 1024 * 1024 + 1))
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
