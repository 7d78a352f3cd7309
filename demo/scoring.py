"""The demo's step that scores the images, and what it says and does when the model misses the gate."""

import json
from collections.abc import Sequence

from demo.commands import Runner, StepFailedError

NOTE = "The container runs on this machine, in place of the instance that AWS would start."


def score(runner: Runner, title: str, stage: str, transform: Sequence[str]) -> None:
    """Run `transform`, the command that measures and releases; release a model that missed the gate by --force.

    Raises:
        StepFailedError: the command failed for another reason.
    """
    started = runner.announce(title, NOTE)
    try:
        runner.run(title, transform)
    except StepFailedError:
        reason = missed_gate(runner, stage)
        if reason is None:
            raise
        print(
            f"\nThis model missed the gate: {reason}.\n"
            "On AWS you would stop here and train again. The demo releases it with --force, only to show the remaining "
            "steps: do not trust its answers.",
            flush=True,
        )
        runner.run(title, [*transform, "--force"])
    runner.finish(title, started)


def missed_gate(runner: Runner, stage: str) -> str | None:
    """Return why the stage's model, measured just now, may not be deployed; None if it was not measured or passed."""
    model = json.loads((runner.root / "cdk.context.json").read_text(encoding="utf-8"))[f"model:{stage}"]
    measured = "metrics" in model  # ml.train writes an entry without them
    return None if not measured or model["gate"] in ("passed", "forced") else str(model["gate"])
