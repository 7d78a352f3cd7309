"""Names of transform jobs: new each time, and never longer than SageMaker takes."""

import re

from ml import batch

NAME = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")


def test_two_models_never_share_a_transform_jobs_name() -> None:
    models = [f"{'x' * 32}-eval-12304500000{digit}" for digit in range(3)]
    names = {batch.job_name(model, part) for model in models for part in ("validation", "validation-stressed", "test")}
    assert len(names) == 9
    assert all(NAME.fullmatch(name) for name in names), names
