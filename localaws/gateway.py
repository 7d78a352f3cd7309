"""The ASGI application that passes SageMaker's requests to localaws and all others to MiniStack."""

import asyncio
import json
import logging
import re
import uuid
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, Protocol

from localaws.bodies import Receive, body_within, replay
from localaws.errors import ServiceError
from localaws.identity import Caller
from localaws.ministack import rest_api
from localaws.ministack.application import is_control
from localaws.ministack.signatures import authenticate

Scope = MutableMapping[str, Any]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CREDENTIAL = re.compile(r"Credential=([^/]+)/\d{8}/([a-z0-9-]+)/([a-z0-9-]+)/aws4_request")
INVOCATIONS = re.compile(r"/endpoints/([^/]+)/invocations$")
EXECUTE_API_PATH = re.compile(r"^/(?:restapis/[^/]+/[^/]+/_user_request_|_aws/execute-api/)")
EXECUTE_API_URL = re.compile(rb"https://([a-z0-9]+)\.execute-api\.[a-z0-9-]+\.amazonaws\.com/([\w-]+)/")

QUOTAS_TARGET = "ServiceQuotasV20190624"
"""Service Quotas in x-amz-target (botocore, service-quotas, targetPrefix)."""
MAX_SAGEMAKER_BODY = 25 * 1024 * 1024
"""InvokeEndpoint's limit for real-time endpoints (SageMaker hosting FAQ)."""

log = logging.getLogger("localaws")


class RuntimeAnswer(Protocol):
    """The container's answer that `SageMaker.invoke_endpoint` returns."""

    @property
    def status(self) -> int: ...
    @property
    def headers(self) -> Mapping[str, str]: ...
    @property
    def body(self) -> bytes: ...


class SageMaker(Protocol):
    """The part of the SageMaker service that the gateway uses."""

    def control(self, caller: Caller, operation: str, payload: dict[str, Any]) -> dict[str, Any]: ...
    def quotas(self, caller: Caller, operation: str, payload: dict[str, Any]) -> dict[str, Any]: ...
    async def invoke_endpoint(
        self, caller: Caller, endpoint_name: str, headers: Mapping[str, str], body: bytes
    ) -> RuntimeAnswer: ...


class Gateway:
    """Routes each request by its SigV4 scope, and adds limits and URLs that MiniStack lacks."""

    def __init__(self, ministack: App, sagemaker: SageMaker, port: int) -> None:
        self.ministack = ministack
        self.sagemaker = sagemaker
        self.port = port
        self.on_change: Callable[[str | None], None] = lambda service: None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self.ministack(scope, receive, send)
            return
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        # Over plain HTTP aws:SecureTransport is false, and every TLS-only bucket would refuse a loopback client.
        scope["scheme"] = "https"
        if scope["path"] == "/_localaws/health":
            await respond(send, 200, {"Content-Type": "application/json"}, b'{"status": "ok"}')
            return
        signed = CREDENTIAL.search(headers.get("authorization", ""))
        if signed and signed[3] in ("sagemaker", "servicequotas"):
            await self.serve_sagemaker(scope, receive, send, headers, signed[1], signed[2])
            return
        if EXECUTE_API_PATH.match(scope["path"]) or ".execute-api." in headers.get("host", ""):
            limited = await body_within(receive, rest_api.MAX_BODY)
            if limited is None:
                await respond(send, *rest_api.TOO_LARGE)
                return
            await self.ministack(scope, replay(limited, receive), send)
            return
        if not signed and (
            headers.get("x-amz-target", "").startswith("SageMaker.") or INVOCATIONS.match(scope["path"])
        ):
            unsigned = ServiceError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
            await respond(send, unsigned.status, unsigned.headers(), unsigned.body())
            return
        if is_control(scope["method"], scope["path"]):
            await respond(send, 403, {"Content-Type": "application/json"}, b'{"message": "Not offered by localaws."}')
            return
        if signed and signed[3] == "cloudformation":
            send = self.with_local_urls(send)
        await self.ministack(scope, receive, send)
        if scope["method"] not in ("GET", "HEAD", "OPTIONS"):
            self.on_change(signed[3] if signed else None)

    async def serve_sagemaker(
        self, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str], key: str, region: str
    ) -> None:
        """Authenticate, then hand the request to the control plane or the runtime."""
        request_id = str(uuid.uuid4())
        try:
            body = await body_within(receive, MAX_SAGEMAKER_BODY)
            if body is None:
                raise ServiceError("RequestEntityTooLargeException", "The request is larger than 25 MB.", 413)
            caller = authenticate(scope, body, key, region)
            invocation = INVOCATIONS.match(scope["path"])
            if invocation:
                answer = await self.sagemaker.invoke_endpoint(caller, invocation[1], headers, body)
                status, out, payload = answer.status, dict(answer.headers), answer.body
            else:
                service, _, operation = headers.get("x-amz-target", "").rpartition(".")
                control = self.sagemaker.quotas if service == QUOTAS_TARGET else self.sagemaker.control
                result = await asyncio.to_thread(control, caller, operation, parse_json(body))
                status, out = 200, {"Content-Type": "application/x-amz-json-1.1"}
                payload = json.dumps(result).encode()
        except ServiceError as error:
            status, out, payload = error.status, error.headers(), error.body()
        except Exception:  # localaws answers its own faults as AWS does
            log.exception("SageMaker request %s failed", headers.get("x-amz-target", scope["path"]))
            failure = ServiceError("InternalFailure", f"localaws failed; its log has request {request_id}.", 500)
            status, out, payload = failure.status, failure.headers(), failure.body()
        await respond(send, status, {**out, "x-amzn-RequestId": request_id}, payload)

    def with_local_urls(self, send: Send) -> Send:
        """Return a `send` that replaces execute-api URLs in a stack's outputs by local ones."""
        start: MutableMapping[str, Any] = {}
        chunks: list[bytes] = []

        async def rewriting(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
                return
            chunks.append(message.get("body", b""))
            if message.get("more_body"):
                return
            base = f"http://localhost:{self.port}/restapis/".encode()
            body = EXECUTE_API_URL.sub(base + rb"\1/\2/_user_request_/", b"".join(chunks))
            headers = [(name, value) for name, value in start["headers"] if name.lower() != b"content-length"]
            start["headers"] = [*headers, (b"content-length", str(len(body)).encode())]
            await send(start)
            await send({"type": "http.response.body", "body": body})

        return rewriting


def parse_json(body: bytes) -> dict[str, Any]:
    """Parse the body of a JSON 1.1 request.

    Raises:
        ServiceError: SerializationException, if it is not a JSON object.
    """
    try:
        request = json.loads(body or b"{}")
    except ValueError as error:
        raise ServiceError("SerializationException", f"The request body is not JSON: {error}.") from error
    if not isinstance(request, dict):
        raise ServiceError("SerializationException", "The request body is not a JSON object.")
    return request


async def respond(send: Send, status: int, headers: Mapping[str, str], body: bytes) -> None:
    """Send a complete response."""
    wire = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
    wire.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": wire})
    await send({"type": "http.response.body", "body": body})
