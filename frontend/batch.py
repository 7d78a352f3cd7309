"""Predictions for many images, a few at a time."""

import base64
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from io import BytesIO

from PIL import Image

import radiograph
from frontend import uploaded_image
from frontend.api_models import Prediction
from frontend.backoff import ATTEMPTS, Backoff, delay_seconds
from frontend.batch_files import ArchiveError, BatchFile
from frontend.client import ApiError, Client
from frontend.uploaded_image import UploadedImage

CONCURRENCY = 4
"""Images processed at a time: enough to keep an instance busy, and few enough for a responsive browser."""
THUMBNAIL_SIDE = 96
FATAL = frozenset(
    {
        "invalid_api_key", "access_denied", "quota_exceeded", "unreachable", "gateway_misconfigured", "misconfigured",
        "endpoint_missing", "endpoint_access_denied", "model_missing", "model_hash_mismatch", "model_broken",
    }
)  # fmt: skip
"""Codes that every other image of the batch would get too. `access_denied` is the caller's signature or credentials,
`endpoint_access_denied` the role of the API."""


@dataclass(frozen=True)
class ResultRow:
    """The result of one file: a prediction, or an error.

    Attributes:
        thumbnail: the image as a data: URL, "" if it could not be read.
        code: the API's or the reader's stable code, "" with a prediction.
        error: the message, "" with a prediction.
        retryable: whether another attempt may succeed.
    """

    key: str
    name: str
    thumbnail: str = ""
    prediction: Prediction | None = None
    code: str = ""
    error: str = ""
    retryable: bool = False


def predict_all(client: Client, files: Sequence[BatchFile]) -> Iterator[ResultRow]:
    """Yield a row for each file when it is done.

    A fatal error ends the batch: the remaining files yield no row. Closing the iterator stops the batch after the
    requests in progress.
    """
    backoff = Backoff()
    pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="batch")
    try:
        pending: list[Future[ResultRow | None]] = [pool.submit(predict_file, client, file, backoff) for file in files]
        for future in as_completed(pending):
            row = future.result()
            if row is None:
                continue
            if row.code in FATAL:
                backoff.stop()
            yield row
    finally:
        backoff.stop()
        pool.shutdown(wait=False, cancel_futures=True)


def predict_file(client: Client, file: BatchFile, backoff: Backoff) -> ResultRow | None:
    """Return the row of one file, or None if the batch is stopped."""
    if backoff.stopped:
        return None
    try:
        image = uploaded_image.from_file(file.name, file.read())
    except ArchiveError as error:
        return ResultRow(file.key, file.name, code="archive", error=str(error))
    except radiograph.ImageError as error:
        return ResultRow(file.key, file.name, code=error.code, error=str(error))
    thumbnail = thumbnail_url(image.preview)
    try:
        prediction = predict_with_retries(client, image, backoff)
    except ApiError as error:
        retryable = error.retryable or error.code in FATAL
        return ResultRow(file.key, file.name, thumbnail, None, error.code, f"{error.title}. {error.detail}", retryable)
    return None if prediction is None else ResultRow(file.key, file.name, thumbnail, prediction)


def predict_with_retries(client: Client, image: UploadedImage, backoff: Backoff) -> Prediction | None:
    """Return the prediction for an image, or None if the batch is stopped.

    Raises:
        ApiError: a retry would not help, or ATTEMPTS attempts failed.
    """
    attempt = 0
    while True:
        backoff.wait()
        if backoff.stopped:
            return None
        try:
            return client.predict(image.body, image.media_type)
        except ApiError as error:
            attempt += 1
            if attempt == ATTEMPTS or not error.retryable:
                raise
            backoff.delay(delay_seconds(error, attempt))


def thumbnail_url(image: Image.Image) -> str:
    """Return a small copy of an image as a data: URL."""
    small = image.copy()
    small.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE))
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()
