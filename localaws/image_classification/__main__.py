"""The container's two entry points: `train --root DIR` and `serve --root DIR --port N`."""

import argparse
import sys
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    """Run one of them. DIR is used in place of /opt/ml."""
    parser = argparse.ArgumentParser(prog="python -m localaws.image_classification", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    training = commands.add_parser("train", help="train on DIR/input/data and leave the model in DIR/model")
    serving = commands.add_parser("serve", help="serve DIR/model over HTTP")
    for command in (training, serving):
        command.add_argument("--root", type=Path, required=True, help="the folder in place of /opt/ml")
    serving.add_argument("--port", type=int, required=True, help="port on 127.0.0.1")
    options = parser.parse_args(argv)
    if options.command == "train":
        from localaws.image_classification import train

        return train.run(options.root)
    from localaws.image_classification import serve

    serve.run(options.root, options.port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
