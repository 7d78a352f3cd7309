"""Keep MiniStack's state through a kill: it saves only when it shuts down, so save after every change as well."""

import asyncio
import logging

log = logging.getLogger("localaws")

DELAY_SECONDS = 0.1
"""How long changes are gathered, and so what a kill may lose: a deployment makes hundreds within a few seconds."""


class Durability:
    """Saves MiniStack's state a moment after it changed. S3 objects are on disk already."""

    def __init__(self) -> None:
        self.pending: asyncio.TimerHandle | None = None

    def changed(self) -> None:
        """Note that some state changed; the save follows within DELAY_SECONDS."""
        if self.pending is None:
            self.pending = asyncio.get_running_loop().call_later(DELAY_SECONDS, self.save)

    def save(self) -> None:
        """Write every service's state, each file atomically.

        On the event loop, where MiniStack changes its state, so that no save sees half a change.
        """
        from ministack import app
        from ministack.core.persistence import save_all

        self.pending = None
        save_all(app._build_persistence_save_dict())
