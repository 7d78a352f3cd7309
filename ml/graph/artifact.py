"""The graph of a model.tar.gz: the one it holds, or one made from the network it holds."""

from pathlib import Path
from typing import Any

from ml.aws.s3 import Bucket, split_uri
from ml.errors import UserError
from network import archive
from network.errors import InputError

GRAPH = "model.onnx"
WEIGHTS = "weights.pt"
"""As in `network.weights_file`."""


def graph_of(artifact: str, folder: Path) -> tuple[Path, Any]:
    """Download an artifact and write its graph into a folder.

    Return the graph, and the PyTorch module it was made from; None if it was in the artifact, or made from a network of
    the built-in algorithm.

    Raises:
        ImportError: a package for the export is not installed.
        UserError: the artifact is damaged, or is not of this version's network or the built-in algorithm; or ONNX
            Runtime does not reproduce PyTorch's scores.
    """
    bucket, key = split_uri(artifact)
    packed, graph = folder / "model.tar.gz", folder / GRAPH
    Bucket(bucket).client.download_file(bucket, key, str(packed))
    try:
        names = archive.names(packed)
        if WEIGHTS in names:
            archive.unpack(packed, folder, [WEIGHTS])
            return graph, write(folder, graph)
        if GRAPH in names:
            archive.unpack(packed, folder, [GRAPH])
        else:
            from network import mxnet_artifact

            mxnet_artifact.write(packed, graph)
    except InputError as error:
        raise UserError(
            f"{artifact} cannot be exported. {error} Train the model again, or deploy it with hosting=realtime or "
            "hosting=serverless."
        ) from error
    return graph, None


def write(folder: Path, graph: Path) -> Any:
    """Write the graph of the weights in a folder, and return the PyTorch module it was made from.

    Raises:
        UserError: the weights are not of this version's network, or ONNX Runtime does not reproduce its scores.
    """
    from network import export, weights_file

    try:
        network, image_shape = weights_file.load(folder)
        export.write(network, image_shape, graph)
    except (RuntimeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(":.")
        raise UserError(
            f"{WEIGHTS} cannot be exported ({reason}). If the code in network/ changed after the training, export with "
            "that version, or train the model again."
        ) from error
    return export.ServedNetwork(network).eval()
