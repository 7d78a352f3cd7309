"""Write files completely or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def write(path: Path, body: str | bytes, private: bool = False) -> None:
    """Write a file; an interruption leaves the previous one. Text becomes UTF-8.

    Args:
        private: whether only the owner can read the file.
    """
    with replacing(path) as temporary:
        temporary.touch(mode=0o600 if private else 0o666)
        temporary.write_bytes(body.encode() if isinstance(body, str) else body)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Provide a temporary name beside a file, and rename it to the file if the block succeeds."""
    temporary = path.with_name(f"{path.name}.tmp")
    yield temporary
    temporary.replace(path)
