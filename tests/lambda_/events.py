"""REST proxy events: recorded ones and variations of them."""

from __future__ import annotations

import base64
import copy
import json
from io import BytesIO
from pathlib import Path
from typing import Any

from radiograph import phantom

EVENTS = Path(__file__).resolve().parents[1] / "events"


def event(name: str) -> dict[str, Any]:
    """Return one of tests/events/, as API Gateway sends it to the function."""
    loaded: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return loaded


def image_in(event: dict[str, Any]) -> bytes:
    return base64.b64decode(event["body"])


def get(path: str, **query: str) -> dict[str, Any]:
    """Return the event of a GET without a body."""
    return event("health") | {"resource": path, "path": path, "queryStringParameters": query or None}


_PREDICT = event("predict_jpeg")


def post(image: bytes, content_type: str | None = "image/jpeg", /, **changes: Any) -> dict[str, Any]:
    """Return the event of a POST /predict with these bytes; `changes` replace top-level keys of the event."""
    posted = copy.deepcopy(_PREDICT)
    for headers in (posted["headers"], posted["multiValueHeaders"]):
        del headers["Content-Type"], headers["Content-Length"]
    if content_type is not None:
        posted["headers"]["Content-Type"] = content_type
        posted["multiValueHeaders"]["Content-Type"] = [content_type]
    posted["body"] = base64.b64encode(image).decode()
    return posted | changes


IMAGE = phantom.draw(7, False)


def encoded_image(form: str = "JPEG", size: tuple[int, int] = (320, 288), mode: str = "L", **options: Any) -> bytes:
    """Return an encoded synthetic chest radiograph."""
    image = IMAGE.resize(size).convert(mode)
    buffer = BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()
