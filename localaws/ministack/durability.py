"""Keep MiniStack's state through a kill: MiniStack saves it only at shutdown, localaws after every change."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

DELAY_SECONDS = 0.1
"""Seconds in which changes are collected before a save, because a deployment makes hundreds. A kill may lose them."""

log = logging.getLogger("localaws")


class Durability:
    """Saves MiniStack's state shortly after each change. S3 objects are on disk already."""

    def __init__(self) -> None:
        self.pending: asyncio.TimerHandle | None = None
        self.only_s3 = True
        self.saved: dict[str, str] = {}

    def changed(self, service: str | None) -> None:
        """Schedule a save after a request to a service; None if the request does not name its service."""
        self.only_s3 &= service == "s3"
        if self.pending is None:
            self.pending = asyncio.get_running_loop().call_later(DELAY_SECONDS, self.save)

    def save(self) -> None:
        """Write the state of the services that have changed, each file atomically.

        A request to S3 changes S3 alone, unless its bucket sends notifications, which is rare. Another request, such as
        one to CloudFormation, may change every service. Most states do not change, and writing all files takes ten
        times as long as comparing their contents.

        Call it on the event loop, where MiniStack changes its state: a save elsewhere could see half a change.
        """
        from ministack import app

        states = app._build_persistence_save_dict()
        if self.pending is not None and self.only_s3:
            states = {"s3": states["s3"]}
        self.pending, self.only_s3 = None, True
        for service, state_of in states.items():
            try:
                self.save_service(service, state_of())
            except Exception:  # the other services' states are saved all the same
                log.exception("The state of %s cannot be saved", service)

    def save_service(self, service: str, state: Any) -> None:
        """Write a state in MiniStack's format if it differs from the one written last; None is no state."""
        from ministack.core import persistence

        if state is None:
            return
        wrapped = {"__ministack_format__": persistence._state_format_version(service), "payload": state}
        content = json.dumps(wrapped, default=persistence._json_default)
        if self.saved.get(service) == content:
            return
        target = Path(persistence.STATE_DIR) / f"{service}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_suffix(".json.tmp")
        partial.write_text(content)
        partial.replace(target)
        self.saved[service] = content
