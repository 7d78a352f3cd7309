"""The serving process over HTTP."""

import json
import socket
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from demo.services import wait_until_healthy
from localaws.image_classification import serve, train
from network import export, inference, networks
from tests.localaws.image_classification.builders import image, write_root
from tests.network import mxnet_builders
from tests.ports import free_port


def encoded(image: Image.Image, form: str = "JPEG") -> bytes:
    buffer = BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = write_root(tmp_path_factory.mktemp("served"))
    assert train.run(root) == 0
    port = free_port()
    command = [sys.executable, "-m", "localaws.image_classification", "serve", "--root", str(root), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_until_healthy(process, f"http://127.0.0.1:{port}/ping", "the container", 30)
    yield f"http://127.0.0.1:{port}"
    process.kill()
    process.wait()


def post(
    url: str, body: bytes, content_type: str = "application/x-image", accept: str | None = "*/*"
) -> tuple[int, str, bytes]:
    headers = {"Content-Type": content_type} | ({"Accept": accept} if accept else {})
    request = urllib.request.Request(f"{url}/invocations", data=body, headers=headers)  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, answer.headers["Content-Type"], answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


def test_a_colour_image_is_decoded_as_the_network_serves_it(tmp_path: Path) -> None:
    export.write(networks.build(2, fine_tuned=False).eval(), (3, 32, 32), tmp_path / "model.onnx")
    body = encoded(Image.new("RGB", (32, 32), (200, 30, 90)), "PNG")
    grey = np.asarray(inference.input_fn(body, "image/png"))
    decoded = serve.ServedModel(tmp_path / "model.onnx").decode(body)
    assert (decoded == grey[:, :, None]).all()


def test_an_artifact_of_aws_is_converted_and_scores_the_colours_as_its_network_does(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    network, pixels = mxnet_builders.small(), mxnet_builders.pixels()
    mxnet_builders.write(mxnet_builders.files(network), tmp_path / "model")
    model = serve.load(tmp_path)
    scores = [model.score(encoded(Image.fromarray(image), "PNG")) for image in pixels]
    np.testing.assert_allclose(scores, mxnet_builders.expected(network, pixels), atol=1e-5)
    assert mxnet_builders.PARAMS in capfd.readouterr().out


@pytest.mark.parametrize("content_type", ["application/x-image", "image/jpeg", "image/jpeg; charset=binary"])
def test_the_answer_is_a_bare_array_of_probabilities(url: str, content_type: str) -> None:
    status, kind, body = post(url, encoded(image(1, 1)), content_type)
    scores = json.loads(body)
    assert (status, kind, len(scores)) == (200, "application/json", 2)
    assert sum(scores) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("accept", ["application/jsonlines", None])
def test_the_answer_is_a_json_line_if_that_or_nothing_is_accepted(url: str, accept: str | None) -> None:
    status, kind, body = post(url, encoded(image(1, 1)), accept=accept)
    assert (status, kind) == (200, "application/jsonlines")
    assert json.loads(body)["prediction"] == json.loads(post(url, encoded(image(1, 1)))[2])


def test_an_image_of_another_size_is_squashed(url: str) -> None:
    status, _, body = post(url, encoded(image(1, 1, 200).resize((300, 150)), "PNG"), "image/png")
    assert status == 200
    assert len(json.loads(body)) == 2


@pytest.mark.parametrize("body", [b"", b"no image", encoded(image(1, 1))[:400]])
def test_an_image_that_cannot_be_decoded_is_a_client_error_with_a_sentence(url: str, body: bytes) -> None:
    status, kind, answer = post(url, body)
    assert (status, kind) == (400, "text/plain; charset=utf-8")
    assert b"cannot be decoded" in answer


def test_an_unknown_content_type_is_refused_with_the_allowed_ones(url: str) -> None:
    status, _, answer = post(url, encoded(image(1, 1)), "text/csv")
    assert status == 415
    assert b"application/x-image" in answer


def test_transform_jobs_can_ask_what_the_container_prefers(url: str) -> None:
    with urllib.request.urlopen(f"{url}/execution-parameters", timeout=10) as answer:  # noqa: S310
        parameters = json.load(answer)
    assert parameters["BatchStrategy"] == "SINGLE_RECORD"
    assert parameters["MaxConcurrentTransforms"] >= 1


def test_images_asked_for_at_once_get_their_own_answers(url: str) -> None:
    bodies = [encoded(image(number % 2, number)) for number in range(24)]
    alone = [post(url, body)[2] for body in bodies]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(lambda body: post(url, body)[2], bodies)) == alone


def test_serving_does_not_load_pytorch() -> None:
    code = "import sys, localaws.image_classification.serve; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_model_that_is_missing_ends_the_process(tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    command = [
        sys.executable,
        "-m",
        "localaws.image_classification",
        "serve",
        "--root",
        str(tmp_path),
        "--port",
        "5999",
    ]
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode != 0


def test_a_client_that_declares_too_much_and_sends_nothing_gets_413(url: str) -> None:
    address = urllib.parse.urlsplit(url)
    with socket.create_connection((str(address.hostname), int(address.port or 0)), 30) as client:
        client.sendall(f"POST /invocations HTTP/1.1\r\nContent-Length: {serve.MAX_BODY + 1}\r\n\r\n".encode())
        assert b" 413 " in client.recv(64)
