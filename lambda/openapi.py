"""Write inference_proxy/openapi.json from the routes, the types of their bodies, and the kinds of problems.

Run `make openapi` after a change to any of them. The deployed function serves the file and never imports this module.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple

import api_types
from inference_proxy.prediction import DISCLAIMER
from inference_proxy.problems import CONTENT_TYPE, IMAGE_KINDS, KINDS
from inference_proxy.request_image import ACCEPTED
from inference_proxy.routes import OPENAPI, ROUTES
from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema
from typing_extensions import is_typeddict

from radiograph import MAX_BYTES

Json = dict[str, Any]

STATUSES: Final = {
    400: "The request cannot be read",
    403: "The API key or the signature is missing or wrong",
    404: "Nothing has this id",
    413: "Too large. Above about 4.7 MB, API Gateway answers itself: application/json without a code, or plain text",
    415: "Not a JPEG or PNG, or not what its Content-Type says",
    422: "The image cannot be used",
    429: "Too many requests",
    500: "This API failed",
    502: "The model failed",
    503: "Temporarily unavailable",
    504: "The model took too long",
}
GATEWAY_STATUSES: Final = (403, 429)
"""API Gateway answers these itself, before the proxy."""

ANY_ROUTE: Final = frozenset({"malformed_event", "internal_error", "misconfigured"})
IMAGE_BODY: Final = frozenset(
    {
        *IMAGE_KINDS, "invalid_json", "invalid_base64", "missing_content_type", "unsupported_media_type",
        "content_type_mismatch", "body_not_binary", "upload_not_found", "storage_unavailable",
    }
)  # fmt: skip
SCORING: Final = frozenset(code for code in KINDS if code.startswith(("endpoint_", "model_")))


class Operation(NamedTuple):
    """What a route receives and returns."""

    content: Json
    codes: Iterable[str] = ()
    body: Json | None = None
    parameters: tuple[Json, ...] = ()
    status: int = 200


def content(name: str) -> Json:
    """Return a JSON body of the schema with this name."""
    return {"application/json": {"schema": reference("schemas", name)}}


def reference(section: str, name: str) -> Json:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{section}/{name}"}


def parameter(name: str, location: str, *values: str) -> Json:
    """Return an optional parameter with these values, in "header" or "query"."""
    return {"name": name, "in": location, "schema": {"type": "string", "enum": list(values)}}


BINARY: Final = {"type": "string", "format": "binary"}
IMAGE: Final = {kind: {"schema": BINARY | {"maxLength": MAX_BYTES}} for kind in ACCEPTED} | content("UploadReference")
OPERATIONS: Final = {
    "/predict": Operation(content("Prediction"), IMAGE_BODY | SCORING, IMAGE),
    "/explain": Operation(
        content("Explanation") | {"image/png": {"schema": BINARY}},
        IMAGE_BODY | SCORING | {"explain_timeout"},
        IMAGE,
        (parameter("Accept", "header", "application/json", "image/png"),),
    ),
    "/uploads": Operation(content("Upload"), {"invalid_json", "too_large"}, content("UploadAnnouncement"), status=201),
    "/model": Operation(content("Model"), {"storage_unavailable"}),
    "/health": Operation(
        content("Health"), SCORING | {"storage_unavailable"}, parameters=(parameter("deep", "query", "0", "1"),)
    ),
    "/openapi.json": Operation({"application/json": {"schema": {"type": "object"}}}),
}


EXTENSIBLE: Final = frozenset({"Evaluation", "Problem"})
"""Schemas of objects that can have further members."""


class Schemas(GenerateJsonSchema):
    """Schemas without titles, of objects without further members."""

    def typed_dict_schema(self, schema: Any) -> Json:
        """Return the schema of a TypedDict."""
        members = super().typed_dict_schema(schema)
        del members["title"]
        return members | {"additionalProperties": schema["cls"].__name__ in EXTENSIBLE}

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Return False: no field has a title."""
        return False


def document() -> Json:
    """Return the OpenAPI document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Pneumonia classifier",
            "version": "1.0.0",
            "description": f"Return the probability of pneumonia for one frontal chest radiograph. {DISCLAIMER}",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"ApiKey": []}],
        "paths": {path: path_item(path) for path in ROUTES},
        "components": {
            "securitySchemes": {"ApiKey": {"type": "apiKey", "in": "header", "name": "x-api-key"}},
            "headers": {
                "X-Request-Id": {"description": "API Gateway's id of the request", "schema": {"type": "string"}},
                "Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}},
            },
            "schemas": schemas(),
        },
    }


def path_item(path: str) -> Json:
    """Return the operations of one path. The docstring of each route is its summary and description."""
    operation = OPERATIONS[path]
    item: Json = {}
    for method, route in ROUTES[path].items():
        summary, _, description = (inspect.getdoc(route) or "").partition("\n\n")
        fields = {
            "operationId": path.strip("/").partition(".")[0],
            "summary": summary.rstrip("."),
            "description": description.replace("\n", " "),
            "parameters": list(operation.parameters),
            "requestBody": operation.body and {"required": True, "content": operation.body},
        }
        item[method.lower()] = {name: value for name, value in fields.items() if value} | {
            "responses": responses(operation)
        }
    return item


def responses(operation: Operation) -> Json:
    """Return the responses of an operation by status: its success, and the problems it can have."""
    codes: dict[int, list[str]] = {status: [] for status in GATEWAY_STATUSES}
    for code in sorted(ANY_ROUTE | set(operation.codes)):
        codes.setdefault(KINDS[code].status, []).append(code)
    success = {"description": "Success", "headers": headers("X-Request-Id"), "content": operation.content}
    return {str(operation.status): success} | {str(status): problem(status, codes[status]) for status in sorted(codes)}


def problem(status: int, codes: Sequence[str]) -> Json:
    """Return the response of a failure; without `codes`, API Gateway answers."""
    other = {"application/json": {"schema": {"type": "object"}}, "text/plain": {"schema": {"type": "string"}}}
    names = [*(["X-Request-Id"] if codes else []), *(["Retry-After"] if status in (429, 503) else [])]
    return {
        "description": f"{STATUSES[status]}. code: {', '.join(codes)}" if codes else STATUSES[status],
        "headers": headers(*names),
        "content": {CONTENT_TYPE: {"schema": reference("schemas", "Problem")}} | (other if status == 413 else {}),
    }


def headers(*names: str) -> Json:
    """Return references to these headers."""
    return {name: reference("headers", name) for name in names}


def schemas() -> Json:
    """Return the schema of each type in api_types, by name."""
    bodies = {name: TypeAdapter[Any](kind) for name, kind in vars(api_types).items() if is_typeddict(kind)}
    _, definitions = TypeAdapter.json_schemas(
        [(name, "validation", body) for name, body in bodies.items()],
        ref_template="#/components/schemas/{model}",
        schema_generator=Schemas,
    )
    return dict(definitions["$defs"])


def text() -> str:
    """Return the file's content."""
    return json.dumps(document(), ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    OPENAPI.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"Wrote {OPENAPI}\n")
