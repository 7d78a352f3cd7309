"""Score images with ONNX Runtime, as `commands.py score` does with MXNet."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime

from benchmarks.mxnet_conformance import memory


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name, kind in {"graph": Path, "images": Path, "batch": int, "rounds": int, "output": Path}.items():
        parser.add_argument(f"--{name}", type=kind, required=True)
    options = parser.parse_args()
    images = np.load(options.images)["images"]
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(options.graph), settings, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    for _ in range(options.rounds):
        wall, cpu = time.monotonic(), time.process_time()
        parts = [
            session.run(None, {name: images[start : start + options.batch]})[0]
            for start in range(0, len(images), options.batch)
        ]
    np.savez(options.output, probabilities=np.concatenate(parts))
    result = {
        "images_per_cpu_second": len(images) / (time.process_time() - cpu),
        "images_per_second": len(images) / (time.monotonic() - wall),
        "peak_mib": memory.peak_mib(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
