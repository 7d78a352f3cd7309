"""The demo's step that scores the images, with a release by --force if the model misses the gate."""

import json
from collections.abc import Sequence

from demo.commands import Runner, StepFailedError

NOTE = "The container runs on this machine, in place of the instance that AWS would start."


def score(runner: Runner, title: str, stage: str, transform: Sequence[str]) -> None:
    """Run the command `transform`; if the model misses the gate, run it again with --force.

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
    """Return why the stage's model missed the gate, None if it passed or was not measured."""
    model = json.loads((runner.root / "cdk.context.json").read_text(encoding="utf-8"))[f"model:{stage}"]
    measured = "metrics" in model  # ml.train writes an entry without them
    return None if not measured or model["gate"] in ("passed", "forced") else str(model["gate"])
