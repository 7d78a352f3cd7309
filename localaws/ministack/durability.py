"""Keep MiniStack's state through a kill: MiniStack saves it only at shutdown, localaws after every change."""

import asyncio
import json
import logging

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
        one to CloudFormation, may change every service. Most change nothing, and writing all files would take ten times
        as long as comparing their contents.

        Call it on the event loop, where MiniStack changes its state: a save elsewhere could see half a change.
        """
        from ministack import app
        from ministack.core import persistence

        states = app._build_persistence_save_dict()
        if self.pending is not None and self.only_s3:
            states = {"s3": states["s3"]}
        self.pending, self.only_s3 = None, True
        for service, state_of in states.items():
            try:
                content = json.dumps(state_of(), default=persistence._json_default)
            except Exception:  # the other services' states are saved all the same
                log.exception("The state of %s cannot be saved", service)
                continue
            if self.saved.get(service) != content:
                persistence.save_all({service: state_of})
                self.saved[service] = content
