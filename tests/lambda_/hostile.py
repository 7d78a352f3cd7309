"""Requests that are rejected, with the status and code of each."""

from __future__ import annotations

import base64
import json
import struct
import zlib
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageOps

from .conftest import Response
from .events import IMAGE, encoded_image, event, post

JPEG = encoded_image()
PNG = encoded_image("PNG")
DICOM = b"\0" * 128 + b"DICM" + b"\0" * 100


def png_of_size(width: int, height: int) -> bytes:
    """Return a PNG whose header claims more pixels than its data has: a decompression bomb."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 100_000)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body)) for name, body in chunks
    )


def animation() -> bytes:
    buffer = BytesIO()
    frames = [Image.linear_gradient("L"), Image.radial_gradient("L")]
    frames[0].save(buffer, "PNG", save_all=True, append_images=frames[1:])
    return buffer.getvalue()


def text(body: str, content_type: str | None) -> dict[str, Any]:
    return post(b"", content_type, body=body, isBase64Encoded=False)


def encoded(body: str) -> dict[str, Any]:
    return post(b"", body=body)


def several_types(*types: str) -> dict[str, Any]:
    return post(JPEG, None, multiValueHeaders={"Content-Type": list(types)})


def route(method: str, resource: str, path: str | None = None) -> dict[str, Any]:
    return event("health") | {"httpMethod": method, "resource": resource, "path": path or resource}


def png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def drawing() -> Image.Image:
    """Return a line on a grey background, like a diagram."""
    page = Image.new("L", (400, 400), 128)
    ImageDraw.Draw(page).line((0, 0, 400, 400), fill=255, width=30)
    return page


def reference(identity: str) -> dict[str, Any]:
    return text(json.dumps({"upload_id": identity}), "application/json")


def announce(**members: object) -> dict[str, Any]:
    return text(json.dumps(members), "application/json") | {"resource": "/uploads", "path": "/uploads"}


SPELLINGS = post(JPEG, None, multiValueHeaders={"content-type": ["image/png"], "Content-Type": ["image/jpeg"]})

REQUESTS: list[tuple[str, object, int, str]] = [
    # No image
    ("no body", post(b"", body=None), 400, "empty"),
    ("empty body", post(b""), 400, "empty"),
    ("empty text body", text("", "image/jpeg"), 400, "empty"),
    ("empty body and no content type", post(b"", None), 400, "empty"),
    # Other Content-Types
    ("no content type", post(JPEG, None), 415, "missing_content_type"),
    ("no headers", post(JPEG, headers=None, multiValueHeaders=None), 415, "missing_content_type"),
    ("blank content type", post(JPEG, " "), 415, "missing_content_type"),
    ("content type of parameters only", post(JPEG, "; charset=utf-8"), 415, "missing_content_type"),
    ("what curl sends by itself", event("predict_curl_without_content_type"), 415, "unsupported_media_type"),
    ("application/octet-stream", post(JPEG, "application/octet-stream"), 415, "unsupported_media_type"),
    ("image/jpg, which is not a registered media type", post(JPEG, "image/jpg"), 415, "unsupported_media_type"),
    ("any image", post(JPEG, "image/*"), 415, "unsupported_media_type"),
    ("JSON with base64 in it", text('{"image": "aGVsbG8="}', "application/json"), 400, "invalid_json"),
    ("an HTML form", post(JPEG, "multipart/form-data; boundary=x"), 415, "unsupported_media_type"),
    ("DICOM", post(DICOM, "application/dicom"), 415, "unsupported_media_type"),
    ("no media type at all", post(JPEG, "jpeg"), 415, "unsupported_media_type"),
    ("markup for a content type", post(JPEG, "<script>alert(1)</script>"), 415, "unsupported_media_type"),
    ("a content type of 100 kB", post(JPEG, "image/" + "j" * 100_000), 415, "unsupported_media_type"),
    ("a content type beyond ASCII", post(JPEG, "image/j\u0440eg"), 415, "unsupported_media_type"),
    ("two content types", several_types("image/jpeg", "image/png"), 415, "unsupported_media_type"),
    ("two content types in two spellings", SPELLINGS, 415, "unsupported_media_type"),
    # The Content-Type contradicts the first bytes
    ("PNG sent as JPEG", post(PNG, "image/jpeg"), 415, "content_type_mismatch"),
    ("JPEG sent as PNG", post(JPEG, "image/png"), 415, "content_type_mismatch"),
    # Bodies that are not bytes
    ("an image that arrived as text", text("\ufffd\ufffd\ufffd\ufffd", "image/jpeg"), 415, "body_not_binary"),
    ("base64 sent as text", text(base64.b64encode(JPEG).decode(), "image/jpeg"), 415, "body_not_binary"),
    ("base64 with a wrong letter", encoded("/9j/4A*="), 400, "invalid_base64"),
    ("base64 with a wrong length", encoded("/9j/4"), 400, "invalid_base64"),
    ("base64 beyond ASCII", encoded("/9j/\u00e9\u00e9\u00e9\u00e9"), 400, "invalid_base64"),
    ("base64 with line breaks", encoded("/9j/\r\n4AAQ"), 400, "invalid_base64"),
    ("base64 with data after its end", encoded("/9j/4A==/9j/4A=="), 400, "invalid_base64"),
    ("a data URL", encoded("data:image/jpeg;base64,/9j/4AAQ"), 400, "invalid_base64"),
    ("a lone surrogate", encoded("/9j/\ud800"), 400, "invalid_base64"),
    # Size in bytes
    ("one byte too many", post(JPEG + b"\0" * (4_400_001 - len(JPEG))), 413, "too_large"),
    ("the largest body that AWS Lambda accepts", encoded("A" * 6_000_000), 413, "too_large"),
    ("too large and not base64", encoded("*" * 6_000_000), 413, "too_large"),
    # Bytes that are not JPEG or PNG
    ("GIF", post(encoded_image("GIF")), 415, "unsupported_format"),
    ("BMP", post(encoded_image("BMP"), "application/x-image"), 415, "unsupported_format"),
    ("TIFF", post(encoded_image("TIFF"), "application/x-image"), 415, "unsupported_format"),
    ("WebP", post(encoded_image("WEBP"), "application/x-image"), 415, "unsupported_format"),
    (
        "DICOM sent as an image",
        post(DICOM, "application/x-image"),
        415,
        "unsupported_format",
    ),
    ("PDF", post(b"%PDF-1.7\n" + b"x" * 500), 415, "unsupported_format"),
    ("text", post(b"hello"), 415, "unsupported_format"),
    ("SVG", post(b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/png"), 415, "unsupported_format"),
    ("gzip of a JPEG", post(zlib.compress(JPEG, wbits=31)), 415, "unsupported_format"),
    ("one zero byte", post(b"\0"), 415, "unsupported_format"),
    ("a JPEG after a newline", post(b"\n" + JPEG), 415, "unsupported_format"),
    # Broken JPEG and PNG
    ("the first bytes of a JPEG", post(JPEG[:3]), 400, "truncated"),
    ("half a JPEG", post(JPEG[: len(JPEG) // 2]), 400, "truncated"),
    ("half a PNG", post(PNG[: len(PNG) // 2], "image/png"), 400, "truncated"),
    ("the first bytes of a PNG", post(PNG[:8], "image/png"), 400, "truncated"),
    ("a PNG with a wrong checksum", post(PNG[:29] + b"\0\0\0\0" + PNG[33:], "image/png"), 400, "broken"),
    ("noise after a JPEG's first bytes", post(JPEG[:3] + bytes(range(200))), 400, "broken"),
    # Valid images of something else
    ("a gradient", post(png(Image.linear_gradient("L").rotate(90)), "image/png"), 422, "not_a_radiograph"),
    ("a blank image", post(png(Image.new("L", (400, 400), 90)), "image/png"), 422, "not_a_radiograph"),
    ("a white page", post(png(Image.new("L", (400, 400), 255)), "image/png"), 422, "not_a_radiograph"),
    ("a black screen", post(png(Image.new("L", (400, 400), 0)), "image/png"), 422, "not_a_radiograph"),
    ("noise", post(png(Image.effect_noise((400, 400), 80)), "image/png"), 422, "not_a_radiograph"),
    ("an inverted image", post(png(ImageOps.invert(IMAGE)), "image/png"), 422, "not_a_radiograph"),
    ("an image on its side", post(png(IMAGE.rotate(90, expand=True)), "image/png"), 422, "not_a_radiograph"),
    ("a tinted image", post(png(ImageOps.colorize(IMAGE, "red", "yellow")), "image/png"), 422, "not_a_radiograph"),
    ("a drawing", post(png(drawing()), "image/png"), 422, "not_a_radiograph"),
    # Uploads by id
    ("an upload's id that is a path", reference("../../datasets/latest.json"), 404, "upload_not_found"),
    ("an upload's id in capitals", reference("A" * 32), 404, "upload_not_found"),
    ("an upload's id with a newline", reference("0" * 32 + "\n"), 404, "upload_not_found"),
    ("an upload's id that is a number", text('{"upload_id": 7}', "application/json"), 400, "invalid_json"),
    ("two members", text('{"upload_id": "a", "bucket": "b"}', "application/json"), 400, "invalid_json"),
    ("a JSON list", text('["upload_id"]', "application/json"), 400, "invalid_json"),
    ("JSON nested a thousand times", text("[" * 5000, "application/json"), 400, "invalid_json"),
    ("a long JSON", text('{"upload_id": "' + "a" * 20_000 + '"}', "application/json"), 400, "invalid_json"),
    ("an image called JSON", post(JPEG, "application/json"), 400, "invalid_json"),
    # Announcements of uploads
    ("an upload of nothing", announce(), 400, "invalid_json"),
    ("an upload of 0 bytes", announce(content_type="image/jpeg", bytes=0), 400, "invalid_json"),
    ("an upload of -1 bytes", announce(content_type="image/jpeg", bytes=-1), 400, "invalid_json"),
    ("an upload of true bytes", announce(content_type="image/jpeg", bytes=True), 400, "invalid_json"),
    ("an upload of text bytes", announce(content_type="image/jpeg", bytes="9"), 400, "invalid_json"),
    ("an upload of another type", announce(content_type="text/html", bytes=9), 400, "invalid_json"),
    ("an upload to a key", announce(content_type="image/png", bytes=9, key="datasets/x"), 400, "invalid_json"),
    ("an upload that is too large", announce(content_type="image/png", bytes=25_000_001), 413, "too_large"),
    ("GET of the uploads", route("GET", "/uploads"), 405, "method_not_allowed"),
    ("POST of the model", route("POST", "/model"), 405, "method_not_allowed"),
    ("nothing to explain", post(b"", resource="/explain", path="/explain"), 400, "empty"),
    ("noise to explain", post(b"noise", resource="/explain", path="/explain"), 415, "unsupported_format"),
    # Sizes and frames
    ("a thumbnail", post(encoded_image(size=(63, 320))), 422, "too_small"),
    ("one pixel", post(encoded_image("PNG", (1, 1)), "image/png"), 422, "too_small"),
    ("a strip", post(encoded_image(size=(80, 401))), 422, "too_elongated"),
    ("a decompression bomb", post(png_of_size(30_000, 30_000), "image/png"), 422, "too_many_pixels"),
    ("more pixels than memory", post(png_of_size(2**31 - 1, 2**31 - 1), "image/png"), 422, "too_many_pixels"),
    ("an animation", post(animation(), "image/png"), 422, "multi_frame"),
    # Routes and methods
    ("another resource", route("GET", "/"), 404, "not_found"),
    ("another resource by a greedy one", route("GET", "/{proxy+}", "/admin"), 404, "not_found"),
    ("a path that climbs", route("GET", "/{proxy+}", "/predict/../health"), 404, "not_found"),
    ("another case", route("POST", "/{proxy+}", "/Predict"), 404, "not_found"),
    ("an encoded slash", route("POST", "/{proxy+}", "/predict%2f"), 404, "not_found"),
    ("GET of a prediction", route("GET", "/predict"), 405, "method_not_allowed"),
    ("PUT of a prediction", route("PUT", "/predict"), 405, "method_not_allowed"),
    ("HEAD of the health check", route("HEAD", "/health"), 405, "method_not_allowed"),
    ("an unknown method", route("BREW", "/health"), 405, "method_not_allowed"),
    # Other events
    ("a direct invocation", {"image": "aGVsbG8="}, 400, "malformed_event"),
    ("an empty event", {}, 400, "malformed_event"),
    ("no event", None, 400, "malformed_event"),
    ("a list", [1, 2], 400, "malformed_event"),
    ("an HTTP API's event", {"version": "2.0", "rawPath": "/predict"}, 400, "malformed_event"),
    ("a body that is an object", post(JPEG, body={"a": 1}), 400, "malformed_event"),
    ("headers that are a list", post(JPEG, headers=[], multiValueHeaders=None), 400, "malformed_event"),
    ("a header that is a number", post(JPEG, multiValueHeaders={"Content-Type": [1]}), 400, "malformed_event"),
    ("no path", {"httpMethod": "GET"}, 400, "malformed_event"),
]


def assert_problem(response: Response, status: int, code: str) -> None:
    """Check that the response is consistent problem details (RFC 9457) with a sentence and without a stack trace."""
    assert (response.status, response.body["code"]) == (status, code)
    assert set(response.body) == {"type", "title", "status", "detail", "code", "request_id"}
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.body["type"] == f"urn:pneumonia-api:problem:{code}"
    assert response.body["status"] == status
    assert response.body["request_id"] == response.headers["X-Request-Id"]
    assert response.body["detail"].endswith(".")
    assert len(response.body["detail"]) < 400
    assert "Traceback" not in response.body["detail"]
