"""The download by Kaggle's own client, from a stand-in of Kaggle on a local port."""

import base64
import hashlib
import io
import json
import os
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from kagglesdk import kaggle_env

from ml.dataset.sources import kaggle, open_source
from ml.errors import UserError

from .conftest import write_collection


class Kaggle:
    """Answers the two calls that a download makes; `status` and `cut` make it fail."""

    def __init__(self, archive: bytes) -> None:
        self.archive = archive
        self.status = 200
        self.cut: int | None = None
        self.damaged = False
        self.ranges: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler(self))
        self.server.daemon_threads = True
        self.url = f"http://localhost:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


def handler(site: Kaggle) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if site.status != 200:
                self.reply(site.status, b'{"message": "no"}')
            elif "DownloadDataset" in self.path:
                self.send_response(302)
                self.send_header("Location", f"{site.url}/archive.zip")
                self.send_header("Content-Length", "0")
                self.end_headers()
            else:
                self.reply(200, json.dumps({"currentVersionNumber": 2, "ref": kaggle.DATASET}).encode())

        def do_GET(self) -> None:
            header = self.headers.get("Range")
            start = int(header.removeprefix("bytes=").removesuffix("-")) if header else 0
            if header:
                site.ranges.append(header)
            body = site.archive[start:]
            digest = base64.b64encode(hashlib.md5(site.archive).digest()).decode()  # noqa: S324 (Kaggle's checksum)
            self.send_response(206 if header else 200)
            self.send_header("Accept-Ranges", "bytes")
            self.send_header("X-Goog-Hash", f"md5={digest}")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            sent = body if site.cut is None else body[: site.cut]
            self.wfile.write(bytes(len(sent)) if site.damaged else sent)
            self.close_connection = True

        def reply(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Quiet."""

    return Handler


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kaggle]:
    folder = write_collection(tmp_path / "chest_xray", 6)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*.jpeg")):
            archive.write(path, f"chest_xray/{path.relative_to(folder)}")
        # Kaggle's client writes megabyte by megabyte: a smaller archive would have nothing to go on from.
        archive.writestr("__MACOSX/chest_xray/._train", os.urandom(3_000_000))
    running = Kaggle(buffer.getvalue())
    monkeypatch.setitem(kaggle_env._env_to_endpoint, kaggle_env.KaggleEnv.PROD, running.url)
    monkeypatch.setenv("KAGGLEHUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("KAGGLE_CONFIG_DIR", str(tmp_path / "no-credentials"))
    for name in ("KAGGLE_USERNAME", "KAGGLE_KEY", "KAGGLE_API_TOKEN", "KAGGLE_API_ENVIRONMENT"):
        monkeypatch.delenv(name, raising=False)
    yield running
    running.server.shutdown()
    running.server.server_close()


def test_the_collection_comes_without_credentials_and_only_once(site: Kaggle, tmp_path: Path) -> None:
    offer = open_source("kaggle", tmp_path, 0)
    assert len(offer.images) == 12 + 8 + 8
    site.archive = b""
    assert len(open_source("kaggle", tmp_path, 0).images) == 28


def test_a_download_that_was_cut_goes_on_where_it_stopped(site: Kaggle) -> None:
    site.cut = len(site.archive) // 2
    with pytest.raises(UserError, match="run the command again to resume"):
        kaggle.download()
    site.cut = None
    assert (kaggle.download() / "chest_xray/train").is_dir()
    assert site.ranges
    assert all(0 < int(header.removeprefix("bytes=").removesuffix("-")) < len(site.archive) for header in site.ranges)


def test_a_damaged_download_is_refused(site: Kaggle) -> None:
    site.damaged = True
    with pytest.raises(UserError, match="download was damaged"):
        kaggle.download()


@pytest.mark.parametrize(
    ("status", "message"),
    [(401, "refused the credentials"), (403, "refused the credentials"), (404, "no longer has the data set"),
     (429, "refuses further requests"), (500, "Kaggle failed \\(status 500\\)")],
)  # fmt: skip
def test_each_refusal_says_what_to_do(site: Kaggle, status: int, message: str) -> None:
    site.status = status
    with pytest.raises(UserError, match=message):
        kaggle.download()


def test_no_network_is_a_sentence(site: Kaggle) -> None:
    site.server.shutdown()
    site.server.server_close()
    with pytest.raises(UserError, match="Kaggle cannot be reached: check the network"):
        kaggle.download()


def test_a_damaged_credentials_file_is_named(site: Kaggle, tmp_path: Path) -> None:
    (tmp_path / "no-credentials").mkdir()
    (tmp_path / "no-credentials/kaggle.json").write_text("{")
    with pytest.raises(UserError, match=r"Invalid Kaggle credentials file at .*kaggle\.json"):
        kaggle.download()
