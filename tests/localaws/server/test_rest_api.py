"""A REST API in front of a function, as a client and a web page of another origin meet it."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from email.message import Message

import pytest

from infra.gateway_responses import CORS, PROBLEMS, template

from .builders import Server

ORIGIN = "https://app.example.org"
CODE = """
def handler(event, context):
    return {"statusCode": 200, "headers": {"Content-Type": "text/plain"}, "body": str(len(event["body"]))}
"""


@pytest.fixture(scope="module")
def url(server: Server) -> str:
    """Return the address of POST /images, whose body is binary."""
    function = server.function("images", "python3.14", {"index.py": CODE}, "index.handler")
    gateway = server.client("apigateway")
    api = gateway.create_rest_api(name="images", binaryMediaTypes=["image/jpeg"])["id"]
    root = gateway.get_resources(restApiId=api)["items"][0]["id"]
    resource = gateway.create_resource(restApiId=api, parentId=root, pathPart="images")["id"]
    method = {"restApiId": api, "resourceId": resource, "httpMethod": "POST"}
    gateway.put_method(**method, authorizationType="NONE")
    gateway.put_integration(
        **method, type="AWS_PROXY", integrationHttpMethod="POST",
        uri=f"arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{function}/invocations",
    )  # fmt: skip
    for response_type in ("REQUEST_TOO_LARGE", "MISSING_AUTHENTICATION_TOKEN"):
        status, code, detail = PROBLEMS[response_type]
        gateway.put_gateway_response(
            restApiId=api, responseType=response_type, statusCode=str(status),
            responseParameters={f"gatewayresponse.header.{name}": f"'{value}'" for name, value in CORS.items()},
            responseTemplates={"application/json": template(status, code, detail)},
        )  # fmt: skip
    gateway.create_deployment(restApiId=api, stageName="dev")
    return f"http://localhost:{server.port}/restapis/{api}/dev/_user_request_"


def send(method: str, url: str, body: bytes | None = None, **headers: str) -> tuple[int, Message, bytes]:
    """Return status, headers and body of the answer."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, body, sent, method=method)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def test_an_image_within_the_limit_arrives_as_base64(url: str) -> None:
    status, _, body = send("POST", f"{url}/images", bytes(4_400_000), Content_Type="image/jpeg")
    assert (status, int(body)) == (200, 4 * -(-4_400_000 // 3))


@pytest.mark.parametrize(("size", "media_type"), [(4_800_000, "image/jpeg"), (6_300_000, "text/plain")])
def test_a_body_that_makes_a_larger_event_than_lambda_takes_is_too_long(url: str, size: int, media_type: str) -> None:
    status, headers, body = send("POST", f"{url}/images", b"x" * size, Content_Type=media_type)
    assert (status, headers["Content-Type"]) == (413, "application/json")
    assert json.loads(body) == {"message": "Request Too Long"}


def test_above_ten_megabytes_the_apis_own_response_has_no_effect(url: str) -> None:
    status, headers, body = send("POST", f"{url}/images", bytes(10 * 1024 * 1024 + 1), Content_Type="image/jpeg")
    assert (status, body) == (413, b"HTTP content length exceeded 10485760 bytes.")
    assert "Access-Control-Allow-Origin" not in headers


def test_a_page_can_read_an_error_of_the_gateway(url: str) -> None:
    status, headers, body = send("POST", f"{url}/nowhere", b"", Origin=ORIGIN)
    assert (status, headers["Access-Control-Allow-Origin"]) == (404, "*")
    assert json.loads(body)["code"] == "not_found"


@pytest.fixture(scope="module")
def upload(server: Server) -> str:
    """Return a URL for the upload of a PNG into a bucket that allows PUT from pages of ORIGIN."""
    s3 = server.client("s3")
    s3.create_bucket(Bucket="page-uploads")
    rule = {"AllowedMethods": ["PUT"], "AllowedOrigins": [ORIGIN], "AllowedHeaders": ["Content-Type"]}
    s3.put_bucket_cors(Bucket="page-uploads", CORSConfiguration={"CORSRules": [rule]})
    parameters = {"Bucket": "page-uploads", "Key": "image", "ContentType": "image/png"}
    return str(s3.generate_presigned_url("put_object", parameters))


def preflight(url: str, origin: str) -> tuple[int, Mapping[str, str]]:
    """Return the answer to what a browser asks before it uploads."""
    intent = {"Access_Control_Request_Method": "PUT", "Access_Control_Request_Headers": "content-type"}
    status, headers, _ = send("OPTIONS", url, Origin=origin, **intent)
    return status, dict(headers)


def test_a_page_of_a_listed_origin_can_upload(upload: str) -> None:
    status, headers = preflight(upload, ORIGIN)
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)
    assert "content-type" in headers["Access-Control-Allow-Headers"].lower()
    status, headers, _ = send("PUT", upload, b"image", Origin=ORIGIN, Content_Type="image/png")
    assert (status, headers["Access-Control-Allow-Origin"]) == (200, ORIGIN)


def test_a_page_of_another_origin_cannot_upload(upload: str) -> None:
    status, headers = preflight(upload, "https://other.example.org")
    assert status == 403
    assert "Access-Control-Allow-Origin" not in headers
