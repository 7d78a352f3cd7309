"""Many images, a few at a time: one result or one reason each, in the order in which they come."""

import base64
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

import radiograph
from frontend import uploaded_image as images
from frontend.api_models import Prediction
from frontend.archive import ArchiveError, Item
from frontend.client import Client, RefusalError
from frontend.pace import ATTEMPTS, Pace
from frontend.uploaded_image import Radiograph
from radiograph import ResizeMode

AT_ONCE = 4
"""Images under way: with the proxy's and the model's time this keeps an instance busy, and a browser usable."""
THUMBNAIL_SIDE = 96
FATAL = frozenset({"invalid_api_key", "access_denied", "quota_exceeded", "unreachable", "endpoint_missing"})
"""Codes after which no other image of the batch can fare better."""


@dataclass(frozen=True)
class Row:
    """What became of one file: a prediction, or the reason why there is none.

    Attributes:
        thumbnail: the image as a data: URL, "" where it could not be read.
        code: the API's or the reader's stable code, "" with a prediction.
        again: whether asking about the same file another time may bring a prediction.
    """

    key: str
    name: str
    thumbnail: str = ""
    prediction: Prediction | None = None
    code: str = ""
    reason: str = ""
    again: bool = False


def read_all(client: Client, items: Sequence[Item], resize_mode: ResizeMode) -> Iterator[Row]:
    """Yield a row for each file as it is done.

    A refusal that would meet every other image too ends the batch: the files that were not asked about yield no row.
    Closing the iterator stops it within the requests under way.
    """
    pace = Pace()
    pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="batch")
    try:
        pending: list[Future[Row | None]] = [pool.submit(read_one, client, item, resize_mode, pace) for item in items]
        for done in as_completed(pending):
            row = done.result()
            if row is None:
                continue
            if row.code in FATAL:
                pace.stop()
            yield row
    finally:
        pace.stop()
        pool.shutdown(wait=False, cancel_futures=True)


def read_one(client: Client, item: Item, resize_mode: ResizeMode, pace: Pace) -> Row | None:
    """Return the row of one file; None where the batch was stopped before."""
    if pace.stopped:
        return None
    try:
        image = images.from_file(item.name, item.read(), resize_mode)
    except ArchiveError as error:
        return Row(item.key, item.name, code="archive", reason=str(error))
    except radiograph.ImageError as error:
        return Row(item.key, item.name, code=error.code, reason=str(error))
    picture = thumbnail(image.picture)
    try:
        found = ask(client, image, pace)
    except RefusalError as refusal:
        again = refusal.retryable or refusal.code in FATAL
        return Row(item.key, item.name, picture, None, refusal.code, f"{refusal.title}. {refusal.detail}", again)
    return None if found is None else Row(item.key, item.name, picture, found)


def ask(client: Client, image: Radiograph, pace: Pace) -> Prediction | None:
    """Ask about an image until there is an answer; None where the batch was stopped.

    Raises:
        RefusalError: trying again would not help, or did not help ATTEMPTS times.
    """
    attempt = 0
    while True:
        pace.wait()
        if pace.stopped:
            return None
        try:
            return client.predict(image.body, image.media_type)
        except RefusalError as refusal:
            attempt += 1
            if attempt == ATTEMPTS or not refusal.retryable:
                raise
            pace.hold(refusal, attempt)


def thumbnail(picture: Image.Image) -> str:
    """Return an image as a small data: URL."""
    small = picture.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
