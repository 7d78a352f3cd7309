"""The graph of an artifact that MXNet 1.9.1 wrote answers as MXNet does.

`python -m benchmarks.mxnet_conformance --record tests/network/mxnet` writes the files: a ResNet of 18 layers with a
sixteenth of the filters, trained on synthetic radiographs.
"""

import json
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image

from network import mxnet_artifact

RECORDED = Path(__file__).with_name("mxnet")


def test_the_graph_gives_the_probabilities_that_mxnet_gave(tmp_path: Path) -> None:
    answers = json.loads((RECORDED / "answers.json").read_bytes())
    images = []
    for name in answers:
        with Image.open(RECORDED / name) as picture:
            images.append(np.asarray(picture.convert("RGB")))
    mxnet_artifact.write(RECORDED, tmp_path / "model.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "model.onnx"), providers=["CPUExecutionProvider"])
    (probabilities,) = session.run(None, {"data": np.stack(images)})
    expected = np.array(list(answers.values()))
    assert np.ptp(expected[:, 1]) > 0.1
    np.testing.assert_allclose(probabilities, expected, atol=1e-5)
