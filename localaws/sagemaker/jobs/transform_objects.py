"""The transform of one object: from S3 through the container to its .out object."""

import threading
import time

from localaws.ministack.object_store import ObjectError
from localaws.sagemaker.aws.objects import Objects
from localaws.sagemaker.aws.transfer import S3Object, parse_uri
from localaws.sagemaker.container.serving import Container, ContainerAnswer, ContainerError
from localaws.sagemaker.store import Document

CLIENT_DEFAULTS = {"InvocationsTimeoutInSeconds": 600, "InvocationsMaxRetries": 3}
"""Default ModelClientConfig (API reference)."""
RETRY_SECONDS = 0.2


class ObjectFailedError(Exception):
    """An object could not be transformed. The text holds its URI and the reason."""


class ObjectTransform:
    """Sends objects to the container, at most as many at a time as the semaphore allows."""

    def __init__(
        self, s3: Objects, container: Container, request: Document, largest: int, semaphore: threading.Semaphore
    ) -> None:
        """`largest` is the payload limit in bytes, 0 for no limit."""
        self.s3 = s3
        self.container = container
        self.largest = largest
        self.semaphore = semaphore
        output, client = request["TransformOutput"], CLIENT_DEFAULTS | request.get("ModelClientConfig", {})
        self.bucket, prefix = parse_uri(output["S3OutputPath"])
        self.prefix = prefix.rstrip("/") + "/" if prefix.strip("/") else ""
        self.ending = b"\n" if output.get("AssembleWith") == "Line" else b""
        self.seconds = float(client["InvocationsTimeoutInSeconds"])
        self.attempts = 1 + int(client["InvocationsMaxRetries"])
        self.headers = {"Content-Type": request["TransformInput"].get("ContentType", "application/octet-stream")}
        if output.get("Accept"):
            self.headers["Accept"] = output["Accept"]

    def run(self, item: S3Object) -> None:
        """Transform one object and write S3OutputPath/<name relative to the input's prefix>.out.

        Raises:
            ObjectFailedError: the object is too large, S3 refused, or the container did not answer with 2xx.
        """
        uri = f"s3://{item.bucket}/{item.key}"
        try:
            body = self.s3.get(item.bucket, item.key)
        except ObjectError as error:
            raise ObjectFailedError(f"{uri}: unable to download it ({error})") from error
        if self.largest and len(body) > self.largest:
            raise ObjectFailedError(f"{uri}: {len(body)} bytes are more than MaxPayloadInMB allows ({self.largest})")
        with self.semaphore:
            answer = self.invoke(uri, body)
        try:
            self.s3.put(self.bucket, f"{self.prefix}{item.name}.out", answer.body + self.ending)
        except ObjectError as error:
            raise ObjectFailedError(f"{uri}: unable to upload its .out ({error})") from error

    def invoke(self, uri: str, body: bytes) -> ContainerAnswer:
        """Return the container's 2xx answer. Requests without an answer or with 5xx are repeated.

        Raises:
            ObjectFailedError: the container answered 4xx, or failed each time.
        """
        problem = ""
        for attempt in range(self.attempts):
            if attempt:
                time.sleep(RETRY_SECONDS)
            if not self.container.running:
                problem = "the container's process has ended"
                break
            try:
                answer = self.container.request("POST", "/invocations", self.headers, body, self.seconds)
            except ContainerError as error:
                problem = str(error)
                continue
            if answer.status < 300:
                return answer
            problem = f"the model answered {answer.status}: {answer.body[:300].decode('utf-8', 'replace').strip()}"
            if answer.status < 500:
                break
        raise ObjectFailedError(f"{uri}: {problem}")
