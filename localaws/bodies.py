"""Request bodies over ASGI, with a limit on their size."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


async def body_within(receive: Receive, limit: int) -> bytes | None:
    """Return a request's body, None if it exceeds `limit` bytes.

    A body that is too large is read to its end and dropped. Otherwise a client that is still sending would see a
    reset connection instead of the answer.
    """
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size <= limit:
            chunks.append(chunk)
        else:
            chunks.clear()
        if message["type"] != "http.request" or not message.get("more_body", False):
            return None if size > limit else b"".join(chunks)


def replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that returns `body` once, and then the client's messages (a disconnect)."""
    sent = False

    async def once() -> MutableMapping[str, Any]:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once
