"""Files that are there whole or not at all."""

from pathlib import Path


def write(path: Path, body: str | bytes) -> None:
    """Write a file under a temporary name beside it and rename it, so that an interruption leaves the old one.

    Text becomes UTF-8.
    """
    temporary = path.with_name(f"{path.name}.tmp")
    temporary.write_bytes(body.encode() if isinstance(body, str) else body)
    temporary.replace(path)
