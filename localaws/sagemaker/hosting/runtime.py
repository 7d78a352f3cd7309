"""InvokeEndpoint: pass a request to a container and return its answer or AWS's error."""

from collections.abc import Mapping
from dataclasses import dataclass

from localaws.errors import ServiceError
from localaws.sagemaker.arns import Key, partition
from localaws.sagemaker.container.serving import ContainerAnswer, ContainerError, ContainerTimeoutError
from localaws.sagemaker.context import Context
from localaws.sagemaker.hosting.deployment import Deployment, Variant
from localaws.sagemaker.hosting.endpoints import Endpoints

REALTIME_BYTES = 25 * 1024 * 1024
SERVERLESS_BYTES = 4 * 1024 * 1024
"""Largest request bodies (SageMaker hosting FAQ; serverless endpoints, feature exclusions)."""

FORWARDED_HEADERS = {
    "content-type": "Content-Type",
    "accept": "Accept",
    "x-amzn-sagemaker-custom-attributes": "X-Amzn-SageMaker-Custom-Attributes",
}
"""Request headers that reach the container."""


@dataclass
class RuntimeResponse:
    """The HTTP response of InvokeEndpoint."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Runtime:
    """Answers InvokeEndpoint from the running deployments."""

    def __init__(self, context: Context, endpoints: Endpoints) -> None:
        self.context = context
        self.endpoints = endpoints

    def invoke(self, key: Key, name: str, headers: Mapping[str, str], body: bytes) -> RuntimeResponse:
        """Send `body` to the endpoint's container and return its answer. Blocks.

        Raises:
            ServiceError: ValidationError for an endpoint that does not exist or is not in service, an unknown variant
                or a body that is too large; ModelError (424) if the container did not answer 2xx.
        """
        lowered = {header.lower(): value for header, value in headers.items()}
        deployment = self._serving(key, name)
        target = lowered.get("x-amzn-sagemaker-target-variant")
        variant = deployment.choose(target)
        if variant is None:
            raise ServiceError("ValidationError", f"Variant {target} of endpoint {name} not found.")
        check_size(deployment, variant, body)
        forwarded = {"Accept": "*/*"} | {
            FORWARDED_HEADERS[header]: value for header, value in lowered.items() if header in FORWARDED_HEADERS
        }
        with deployment.idle:
            deployment.busy += 1
        try:
            answer = variant.invoke(forwarded, body, self.context.limits.invocation)
        except ContainerTimeoutError as error:
            message = "Your invocation timed out while waiting for a response from container primary."
            raise model_error(key, name, 0, message) from error
        except ContainerError as error:
            raise model_error(key, name, 500, str(error)) from error
        finally:
            with deployment.idle:
                deployment.busy -= 1
                deployment.idle.notify_all()
        if not 200 <= answer.status < 300:
            raise model_error(key, name, answer.status, answer.body.decode("utf-8", "replace"))
        return RuntimeResponse(200, response_headers(answer, variant), answer.body)

    def _serving(self, key: Key, name: str) -> Deployment:
        deployment = self.endpoints.find(key, self.context.limits.invocation)
        if deployment is not None:
            return deployment
        document = self.context.store.get(key)
        if document is None:
            raise ServiceError("ValidationError", f"Endpoint {name} of account {key.account} not found.")
        raise ServiceError(
            "ValidationError",
            f"Endpoint {name} of account {key.account} is not in service: its status is {document['EndpointStatus']}.",
        )


def check_size(deployment: Deployment, variant: Variant, body: bytes) -> None:
    """Check that the body is within the variant's limit.

    Raises:
        ServiceError: ValidationError with HTTP status 413.
    """
    serverless = next(
        planned["Serverless"] for planned in deployment.plan["Variants"] if planned["VariantName"] == variant.name
    )
    limit = SERVERLESS_BYTES if serverless else REALTIME_BYTES
    if len(body) > limit:
        raise ServiceError(
            "ValidationError", f"The body has {len(body)} bytes; this endpoint takes at most {limit}.", 413
        )


def response_headers(answer: ContainerAnswer, variant: Variant) -> dict[str, str]:
    """Return the headers of a successful answer."""
    headers = {
        "Content-Type": answer.headers.get("content-type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": variant.name,
    }
    attributes = answer.headers.get("x-amzn-sagemaker-custom-attributes")
    return headers | ({"X-Amzn-SageMaker-Custom-Attributes": attributes} if attributes else {})


def model_error(key: Key, name: str, status: int, message: str) -> ServiceError:
    """Return SageMaker's error for a container's answer with `status` (0 for no answer) and `message`."""
    side = "client" if 400 <= status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{name}"
    console = f"https://{key.region}.console.aws.amazon.com/cloudwatch/home?region={key.region}"
    return ServiceError(
        "ModelError",
        f'Received {side} error ({status}) from primary with message "{message}". '
        f"See {console}#logEventViewer:group={group} in account {key.account} for more information.",
        424,
        {
            "OriginalStatusCode": status,
            "OriginalMessage": message,
            "LogStreamArn": f"arn:{partition(key.region)}:logs:{key.region}:{key.account}:log-group:{group}",
        },
    )
