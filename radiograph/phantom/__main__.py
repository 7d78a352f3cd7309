"""`python -m radiograph.phantom FOLDER`: write a data set of synthetic chest radiographs."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from radiograph.phantom.dataset import plan, write_dataset


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return the exit code: 0 done, 1 failed, 2 wrong usage."""
    parser = argparse.ArgumentParser(
        prog="python -m radiograph.phantom",
        description="Draw synthetic chest radiographs with and without pneumonia, labelled SYNTHETIC, into "
        "FOLDER/{train,test}/{NORMAL,PNEUMONIA}. The same options give the same files.",
    )
    parser.add_argument(
        "folder", type=Path, metavar="FOLDER", help="a new or empty folder; a complete data set is left as it is"
    )
    parser.add_argument(
        "--images", type=int, default=600, help="number of images, a fifth of them for test (default: 600)"
    )
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same people (default: 0)")
    options = parser.parse_args(arguments)
    try:
        plan(options.images, options.seed)
    except ValueError as error:
        parser.error(str(error))
    started = time.monotonic()
    try:
        write_dataset(options.folder, options.images, options.seed, _show)
    except OSError as error:
        print(f"No images written: {error}", file=sys.stderr)  # noqa: T201  a command's own output
        return 1
    except KeyboardInterrupt:
        print("\nStopped. No file was written.", file=sys.stderr)  # noqa: T201
        return 130
    seconds = time.monotonic() - started
    print(f"{options.folder}: {options.images} synthetic images, {seconds:.1f} s", file=sys.stderr)  # noqa: T201
    return 0


def _show(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\r{done} of {total} images", end="\n" if done == total else "", file=sys.stderr, flush=True)  # noqa: T201
    elif done * 10 // total != (done - 1) * 10 // total:
        print(f"{done} of {total} images", file=sys.stderr, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
