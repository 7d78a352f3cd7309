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


class NoGraphError(UserError):
    """The artifact is of an algorithm whose models cannot be exported; the sentence says what it holds."""


def unpack(artifact: str, folder: Path) -> None:
    """Download an artifact and write its graph or weights into a folder.

    Raises:
        NoGraphError: it holds neither.
        UserError: it is not a compressed archive.
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
        raise NoGraphError(
            f"{artifact} holds {', '.join(sorted(names)) or 'nothing'}, and neither {GRAPH} nor {WEIGHTS}. A model of "
            "the built-in algorithm cannot be exported; deploy it with hosting=realtime or hosting=serverless."
        )


def graph_of(folder: Path) -> tuple[Path, Any]:
    """Return the graph of an unpacked artifact, and the PyTorch module it was made from, None if it was in it.

    Raises:
        UserError: PyTorch or ONNX is not installed, or the weights are not of this version's network.
    """
    if not (folder / WEIGHTS).is_file():
        return folder / GRAPH, None
    try:
        from network import export, weights_file
    except ImportError as error:
        raise UserError(
            f"The graph of {WEIGHTS} needs the package {error.name}; install this project's extra `localaws`, then run "
            "`python -m ml.export`."
        ) from error
    try:
        network, image_shape = weights_file.load(folder)
    except (RuntimeError, KeyError) as error:
        raise UserError(
            f"{WEIGHTS} is not of the network of this version ({str(error).splitlines()[0]}); train the model again."
        ) from error
    export.write(network, image_shape, folder / GRAPH)
    return folder / GRAPH, export.Scorer(network).eval()
