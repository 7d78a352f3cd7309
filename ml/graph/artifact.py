"""The graph of a model.tar.gz: the one it holds, or one made from the weights of the project's network."""

import tarfile
import zlib
from pathlib import Path
from typing import Any

from ml.aws.s3 import Bucket, split_uri
from ml.errors import UserError

GRAPH = "model.onnx"
WEIGHTS = "weights.pt"
"""As in `network.weights_file`."""


def unpack(artifact: str, folder: Path) -> None:
    """Download an artifact and write its graph or weights into a folder.

    Raises:
        UserError: it holds neither, or is not a compressed archive.
    """
    bucket, key = split_uri(artifact)
    path = folder / "model.tar.gz"
    Bucket(bucket).client.download_file(bucket, key, str(path))
    names = []
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                names.append(member.name.removeprefix("./"))
                if names[-1] in (GRAPH, WEIGHTS) and (content := archive.extractfile(member)):
                    (folder / names[-1]).write_bytes(content.read())
    except (tarfile.TarError, zlib.error, EOFError) as error:
        raise UserError(f"{artifact} is not a compressed archive ({error}); train the model again.") from error
    if not {GRAPH, WEIGHTS} & set(names):
        raise UserError(
            f"{artifact} holds {', '.join(sorted(names)) or 'nothing'}, and neither {GRAPH} nor {WEIGHTS}. A model of "
            "the built-in algorithm cannot be exported; deploy it with hosting=realtime or hosting=serverless."
        )


def graph_of(folder: Path) -> tuple[Path, Any]:
    """Return the graph of an unpacked artifact, and the PyTorch module it was made from, None if it was in it.

    Raises:
        ImportError: a package for the export is not installed.
        UserError: the weights are not of this version's network, or ONNX Runtime does not reproduce its scores.
    """
    if not (folder / WEIGHTS).is_file():
        return folder / GRAPH, None
    from network import export, weights_file

    try:
        network, image_shape = weights_file.load(folder)
        export.write(network, image_shape, folder / GRAPH)
    except (RuntimeError, KeyError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(":.")
        raise UserError(
            f"{WEIGHTS} cannot be exported ({reason}). If the code in network/ changed after the training, export with "
            "that version, or train the model again."
        ) from error
    return folder / GRAPH, export.ServedNetwork(network).eval()
