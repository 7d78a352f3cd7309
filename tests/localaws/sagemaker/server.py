"""localaws with the toy algorithm beside its own, and with short time limits.

`python -m tests.localaws.sagemaker.server --port N --state-dir DIR`
With TOY_REPOSITORY=image-classification the toy replaces that algorithm.
"""

import functools
import os
import sys
from pathlib import Path

from localaws.__main__ import main
from localaws.sagemaker import service
from localaws.sagemaker.container.registry import Algorithm, Metric, Registry, available
from localaws.sagemaker.context import Limits

TOY = Path(__file__).with_name("toy.py")


def toy() -> Algorithm:
    return Algorithm(
        repository=os.environ.get("TOY_REPOSITORY", "toy"),
        train=lambda root: [sys.executable, "-S", str(TOY), "train", str(root)],
        serve=lambda root, port: [sys.executable, "-S", str(TOY), "serve", str(root), str(port)],
        metrics=(Metric("train:accuracy", r"Epoch\[\d+\] Train-accuracy=([0-9.]+)"),),
        content_types=frozenset({"application/x-image", "text/plain"}),
    )


if __name__ == "__main__":
    limits = Limits(stop_grace=1.5, ping=60, invocation=2, training_slots=2, checkpoint_sync=0.2, spot_lifetime=0.8)
    service.SageMakerService = functools.partial(  # type: ignore[assignment, misc]
        service.SageMakerService, registry=Registry([*available().algorithms.values(), toy()]), limits=limits
    )
    sys.exit(main())
