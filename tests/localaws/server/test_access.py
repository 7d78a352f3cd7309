"""IAM decides here as it does on AWS, for MiniStack's services and for our SageMaker."""

import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .conftest import Server


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return str(caught.value.response["Error"]["Code"])


def test_a_role_without_a_grant_reads_no_object(server: Server) -> None:
    server.client("s3").create_bucket(Bucket="guarded")
    server.client("s3").put_object(Bucket="guarded", Key="a", Body=b"film")
    nobody = server.client("s3", *server.role("reads-nothing"))
    assert refused(nobody.get_object, Bucket="guarded", Key="a") == "AccessDenied"
    grant = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::guarded/*"}
    reader = server.client("s3", *server.role("reads-objects", grant))
    assert reader.get_object(Bucket="guarded", Key="a")["Body"].read() == b"film"
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
    from .conftest import document

    s3.put_bucket_policy(Bucket="tls-only", Policy=document(denial))
    s3.put_object(Bucket="tls-only", Key="a", Body=b"film")
    assert s3.get_object(Bucket="tls-only", Key="a")["Body"].read() == b"film"


def test_a_body_beyond_ten_megabytes_is_too_large_for_an_api(server: Server) -> None:
    url = f"http://localhost:{server.port}/restapis/abc/dev/_user_request_/predict"
    request = urllib.request.Request(url, data=b"\0" * (10 * 1024 * 1024 + 1), method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=30)  # noqa: S310
    assert caught.value.code == 413
