"""Keep MiniStack's state through a kill: MiniStack saves it only at shutdown, localaws after every change."""

import asyncio

DELAY_SECONDS = 0.1
"""Seconds in which changes are collected before a save, because a deployment makes hundreds. A kill may lose them."""


class Durability:
    """Saves MiniStack's state shortly after each change. S3 objects are on disk already."""

    def __init__(self) -> None:
        self.pending: asyncio.TimerHandle | None = None

    def changed(self) -> None:
        """Schedule a save after a change."""
        if self.pending is None:
            self.pending = asyncio.get_running_loop().call_later(DELAY_SECONDS, self.save)

    def save(self) -> None:
        """Write every service's state, each file atomically.

        Call it on the event loop, where MiniStack changes its state: a save elsewhere could see half a change.
        """
        from ministack import app
        from ministack.core import persistence

        self.pending = None
        persistence.save_all(app._build_persistence_save_dict())
