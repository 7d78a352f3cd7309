"""`python -m ml.export`: store the model's ONNX graph, which hosting=function runs."""

import sys

from ml import cli
from ml.graph import record

EXAMPLES = """
  python -m ml.export
  cdk deploy --all -c hosting=function
"""
app = cli.application()


def main(argv: list[str] | None = None) -> int:
    """Run the command; return its exit code."""
    return cli.run(app, "ml.export", argv)


@app.command(epilog=cli.examples(EXAMPLES))
def export(stage: cli.Stage) -> None:
    """Store the ONNX graph of the stage's evaluated model beside its artifact.

    Converts a network of the built-in algorithm (MXNet) to ONNX. Compares the graph's probabilities on the validation
    images with those that batch transform recorded, and with PyTorch's if the artifact holds the weights of the
    project's network. If answers.csv is beside the run record, compares with the answers of the framework that it
    names, too. A difference above 0.001 is refused. `ml.transform` does this for a model that it releases.
    """
    print(record.export(stage))


if __name__ == "__main__":
    sys.exit(main())
