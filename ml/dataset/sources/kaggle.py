"""Download the public collection with Kaggle's client, which shows progress, resumes, and checks the MD5."""

import errno
import zipfile
from pathlib import Path

from ml.errors import UserError

DATASET = "paultimothymooney/chest-xray-pneumonia"
INSTEAD = f"or download {DATASET} in a browser, unpack it, and give the folder with --source"


def download() -> Path:
    """Download the collection, or find an earlier download; return its folder.

    An incomplete archive stays in Kaggle's cache (~/.cache/kagglehub, or $KAGGLEHUB_CACHE). An interrupted download
    resumes there.

    Raises:
        UserError: the download failed; the message says what to do.
    """
    import kagglehub
    import requests
    from kagglehub.exceptions import DataCorruptionError, KaggleApiHTTPError

    try:
        folder = Path(kagglehub.dataset_download(DATASET))
    except KaggleApiHTTPError as error:
        raise UserError(refusal(error.response.status_code if error.response is not None else 0)) from error
    except DataCorruptionError as error:
        raise UserError("The download was damaged and has been removed; run the command again.") from error
    except requests.RequestException as error:
        raise UserError(
            f"Kaggle cannot be reached: check the network and run the command again to resume, {INSTEAD}."
        ) from error
    except zipfile.BadZipFile as error:
        raise UserError("Kaggle's archive is damaged; run the command again.") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise UserError(
                "The disk is full: the collection needs 5 GB in Kaggle's cache. Free space, or set KAGGLEHUB_CACHE to "
                "a folder on another disk, and run the command again to resume."
            ) from error
        raise UserError(f"Kaggle's cache cannot be written: {error}. Set KAGGLEHUB_CACHE to another folder.") from error
    except ValueError as error:
        raise UserError(f"{error}. Correct or remove the file; the download does not need it.") from error
    return folder


def refusal(status: int) -> str:
    """Return the message for a status that Kaggle answered."""
    if status in (401, 403):
        return (
            f"Kaggle refused the credentials (status {status}): create a token in your account's settings and save it "
            "in KAGGLE_API_TOKEN or ~/.kaggle/access_token, which are read before KAGGLE_USERNAME and KAGGLE_KEY and "
            "~/.kaggle/kaggle.json; or remove all of these to download anonymously, "
            f"{INSTEAD}."
        )
    if status == 404:
        return f"Kaggle no longer has the data set {DATASET}; give a folder with --source."
    if status == 429:
        return f"Kaggle refuses further requests for now; wait some minutes and run the command again, {INSTEAD}."
    return f"Kaggle failed (status {status}); run the command again later to resume, {INSTEAD}."
