"""`python -m ml.registry`: list, approve, reject or register the versions of a stage in SageMaker Model Registry."""

import sys
from typing import Annotated, Literal

import typer

from ml import cli
from ml.errors import UserError
from ml.model_registry import packages, registration

EXAMPLES = """
  python -m ml.registry list
  python -m ml.registry approve 3
  python -m ml.registry reject 3 --reason "too few images of infants"
  python -m ml.registry register                                         if `ml.transform` could not
"""
HEADER = (
    f"version  {'status':<23}{'training job':<34}{'dataset':<30}{'AUROC':>6}  {'registered (UTC)':<16}  description"
)
app = cli.application()


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.registry", argv)


@app.command(epilog=cli.examples(EXAMPLES))
def registry(
    action: Annotated[Literal["list", "approve", "reject", "register"], typer.Argument(help="What to do.")],
    stage: cli.Stage,
    version: Annotated[int | None, typer.Argument(min=1, help="For approve and reject: the version's number.")] = None,
    reason: Annotated[
        str, typer.Option(help="Why; required to reject, and to approve a model that was released by force.")
    ] = "",
) -> None:
    """List, approve or reject the versions that `ml.transform` registered. `ml.promote` takes approved versions only.

    register registers the stage's released model, if `ml.transform` had no permission to.

    A model that passed the release gate waits for approval. One that was released by force is rejected until you
    approve it with a reason.
    """
    text = " ".join(reason.split())
    if action in ("list", "register"):
        if version is not None or text:
            raise UserError(f"{action} takes neither a version nor --reason; leave them out.", 2)
        print(listing(stage) if action == "list" else registration.register_model(stage))
        return
    if version is None:
        raise UserError(f"{action} needs the number of a version, as in `python -m ml.registry {action} 3`.", 2)
    if action == "reject" and not text:
        raise UserError(f'reject {version} needs a reason: add --reason "...".', 2)
    if len(text) > packages.LONGEST_REASON:
        raise UserError(f"--reason has {len(text)} characters; at most {packages.LONGEST_REASON} are allowed.", 2)
    status = packages.APPROVED if action == "approve" else packages.REJECTED
    changed = packages.decide(stage, version, status, text)
    print(f"Version {version} of {packages.group_name(stage)} is {status}{'' if changed else ' already'}.")


def listing(stage: str) -> str:
    """Return a table of a stage's versions, the newest first."""
    lines = [packages.line(package) for package in packages.newest_first(stage)]
    if not lines:
        return f"Stage {stage} has no version yet; `python -m ml.transform --stage {stage}` registers one."
    return "\n".join([HEADER, *lines])


if __name__ == "__main__":
    sys.exit(main())
