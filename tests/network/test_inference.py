"""The handlers of the inference toolkit."""

import io
import json
from pathlib import Path

import pytest
import torch

from network import inference
from tests.localaws.image_classification.builders import image


def score(model: inference.LoadedModel, label: int, seed: int) -> list[float]:
    buffer = io.BytesIO()
    image(label, seed).save(buffer, "PNG")
    return inference.predict_fn(inference.input_fn(buffer.getvalue(), "image/png"), model)


def test_the_served_network_tells_unseen_images_apart(trained: tuple[Path, str]) -> None:
    model = inference.model_fn(str(trained[0] / "model"))
    scores = [[score(model, label, 5000 + seed)[1] for seed in range(8)] for label in (0, 1)]
    assert max(scores[0]) < min(scores[1])


@pytest.mark.parametrize(
    ("accept", "text", "kind"),
    [
        ("application/json", "[0.25, 0.75]", "application/json"),
        ("*/*", "[0.25, 0.75]", "application/json"),
        ("application/jsonlines", '{"prediction": [0.25, 0.75]}', "application/jsonlines"),
    ],
)
def test_the_answer_has_the_text_of_the_built_in_algorithm(accept: str, text: str, kind: str) -> None:
    assert inference.output_fn([0.25, 0.75], accept) == (text, kind)
    assert json.loads(text)


@pytest.mark.parametrize(("workers", "threads"), [("1", 2), ("2", 1), ("", 1), ("8", 1)])
def test_the_workers_share_two_vcpus(
    trained: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, workers: str, threads: int
) -> None:
    before = torch.get_num_threads()
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setenv("SAGEMAKER_MODEL_SERVER_WORKERS", workers)
    try:
        inference.model_fn(str(trained[0] / "model"))
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
