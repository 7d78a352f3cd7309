"""The public collection, by way of Kaggle's own client: it shows progress, resumes, and checks the archive's MD5."""

import errno
import zipfile
from pathlib import Path

from ml.errors import UserError

DATASET = "paultimothymooney/chest-xray-pneumonia"
INSTEAD = f"or download {DATASET} in a browser, unpack it, and give the folder with --source"


def download() -> Path:
    """Download the collection, or find what was downloaded before; return the folder in Kaggle's layout.

    The archive is kept in Kaggle's cache (~/.cache/kagglehub, or $KAGGLEHUB_CACHE) until it is whole, so that an
    interrupted download goes on where it stopped.

    Raises:
        UserError: it cannot be had, and what to do about it.
    """
    import kagglehub
    import requests
    from kagglehub.exceptions import DataCorruptionError, KaggleApiHTTPError

    try:
        folder = Path(kagglehub.dataset_download(DATASET))
    except KaggleApiHTTPError as error:
        raise UserError(refusal(error.response.status_code if error.response is not None else 0)) from error
    except DataCorruptionError as error:
        raise UserError("The download was damaged on its way and is removed; run the command again.") from error
    except requests.RequestException as error:
        raise UserError(
            f"Kaggle cannot be reached: check the network and run the command again, which resumes; {INSTEAD}."
        ) from error
    except zipfile.BadZipFile as error:
        raise UserError("Kaggle's archive is damaged; run the command again.") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise UserError(
                "The disk is full: the collection needs 5 GB in Kaggle's cache; free some, or set KAGGLEHUB_CACHE to "
                "a folder on another disk, and run the command again, which resumes."
            ) from error
        raise UserError(f"Kaggle's cache cannot be written: {error}. Set KAGGLEHUB_CACHE to another folder.") from error
    except ValueError as error:
        raise UserError(f"{error}. Mend or remove the file; the collection can be downloaded without it.") from error
    return inner(folder)


def refusal(status: int) -> str:
    """Return what an answer of Kaggle's means."""
    if status in (401, 403):
        return (
            f"Kaggle refused the credentials (status {status}): create a token in your account's settings and put it "
            f"into ~/.kaggle/kaggle.json or KAGGLE_USERNAME and KAGGLE_KEY, or remove both to go without; {INSTEAD}."
        )
    if status == 404:
        return f"Kaggle has no data set {DATASET} any more; give a folder with --source."
    if status == 429:
        return f"Kaggle takes no more requests at the moment; wait some minutes and run the command again, {INSTEAD}."
    return f"Kaggle failed (status {status}); run the command again later, which resumes, {INSTEAD}."


def inner(folder: Path) -> Path:
    """Return the folder that holds train, val and test: the archive packs it into one or two of the same name."""
    for candidate in (folder, folder / "chest_xray", folder / "chest_xray" / "chest_xray"):
        if (candidate / "train").is_dir():
            return candidate
    raise UserError(f"{folder} holds no folder train; remove it and run the command again.")
