"""SageMaker's PyTorch inference container: `python -m localaws.sagemaker.container.inference_toolkit ROOT PORT`.

The handlers of ROOT/model/code run in the `Transformer` of the package sagemaker-inference, as in the container. This
server takes TorchServe's place: its workers are threads with a transformer each, not processes.
"""

import json
import os
import queue
import sys
from http import HTTPStatus
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

from localaws.container_http import ContainerHandler

MAX_BODY = 6_553_500
"""Default max_request_size of TorchServe, in bytes."""


class HandlerContext:
    """The context that TorchServe passes to a handler: model folder and request headers in, status and type out."""

    def __init__(self, model_dir: Path, headers: dict[str, str]) -> None:
        self.system_properties = {"model_dir": str(model_dir)}
        self.request_processor = [self]
        self.headers = headers
        self.status = 200
        self.content_type = "text/plain"

    def get_request_properties(self) -> dict[str, str]:
        """Return the request's headers."""
        return self.headers

    def set_response_status(self, code: int = 200, phrase: str = "") -> None:
        """Set the status of the answer."""
        self.status = code

    def set_response_content_type(self, _request: int, value: str) -> None:
        """Set the content type of the answer."""
        self.content_type = value


class ToolkitHandler(ContainerHandler):
    """The container's routes."""

    model_dir: Path
    workers: "queue.SimpleQueue[Any]"

    def do_GET(self) -> None:  # noqa: N802 (http.server calls it by this name)
        """Answer /ping."""
        if self.path == "/ping":
            self.answer(HTTPStatus.OK, json.dumps({"status": "Healthy"}).encode(), "application/json")
        else:
            self.answer(HTTPStatus.NOT_FOUND, b"Requested resource is not found.", "text/plain")

    def do_POST(self) -> None:  # noqa: N802 (http.server calls it by this name)
        """Pass an invocation to the next worker that is idle."""
        body = self.body(MAX_BODY)
        if body is None:
            self.answer(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"At most {MAX_BODY} bytes.".encode(), "text/plain")
            return
        if self.path != "/invocations":
            self.answer(HTTPStatus.NOT_FOUND, b"Requested resource is not found.", "text/plain")
            return
        context = HandlerContext(self.model_dir, dict(self.headers.items()))
        worker = self.workers.get()
        try:
            (result,) = worker.transform([{"body": bytearray(body)}], context)
        finally:
            self.workers.put(worker)
        content = result if isinstance(result, bytes) else str(result).encode()
        self.answer(context.status, content, context.content_type)


def main(root: Path, port: int) -> None:
    """Load the model once for each worker, and serve on 127.0.0.1:`port` until the process ends."""
    os.environ["SAGEMAKER_BASE_DIR"] = str(root)  # the toolkit's variable for the folder in place of /opt/ml
    sys.path.insert(0, str(root / "model/code"))
    from sagemaker_inference.transformer import Transformer

    ToolkitHandler.model_dir = root / "model"
    ToolkitHandler.workers = queue.SimpleQueue()
    count = int(os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS") or os.cpu_count() or 1)
    for _ in range(count):
        worker = Transformer()
        worker.validate_and_initialize(str(ToolkitHandler.model_dir), HandlerContext(ToolkitHandler.model_dir, {}))
        ToolkitHandler.workers.put(worker)
    server = ThreadingHTTPServer(("127.0.0.1", port), ToolkitHandler)
    server.daemon_threads = True
    print(f"{os.environ.get('SAGEMAKER_PROGRAM', 'inference.py')} serves on port {port} with {count} workers.")
    server.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
