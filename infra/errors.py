"""A setting or the model in context cannot be used."""

from collections.abc import Iterable
from typing import Self


class SettingsError(Exception):
    """The message says what was received, what is allowed and what to do."""

    @classmethod
    def listing(cls, subject: str, faults: Iterable[str], remedy: str) -> Self:
        """Return the error of a subject with one line for each of its faults."""
        return cls("\n".join([f"{subject} cannot be used:", *(f"  {fault}" for fault in faults), remedy]))
