"""What every part of the service works with: the state, the folders, the limits, the roles' credentials."""

import os
import threading
from dataclasses import dataclass, field
from pathlib import Path

from localaws.ministack.policies import Authorizer
from localaws.sagemaker.aws.clients import RoleClients
from localaws.sagemaker.container.registry import Registry
from localaws.sagemaker.store import Store

LONGEST_REASON = 1024
"""Characters of FailureReason (API model)."""


@dataclass(frozen=True)
class Limits:
    """How long things may take and how many may run, in seconds and counts.

    Attributes:
        stop_grace: from SIGTERM to SIGKILL when a training job is stopped (SageMaker: 120 s).
        ping: for a serving container to answer /ping, when the endpoint config sets no limit of its own.
        invocation: for a container to answer InvokeEndpoint (SageMaker: 60 s).
        training_slots: training jobs at a time; further ones stay in Starting. SageMaker runs them side by
            side on machines of their own, but here they would share two cores and a memory.
        transform_slots: transform jobs at a time.
        checkpoint_sync: between two uploads of changed checkpoints.
        spot_lifetime: of training until a spot job loses its machine, once; None for never (SageMaker: at any time).
        drain: for requests in flight when an endpoint changes to a new deployment.
    """

    stop_grace: float = 120
    ping: float = 60
    invocation: float = 60
    training_slots: int = max(1, (os.cpu_count() or 1) // 4)
    transform_slots: int = 2
    checkpoint_sync: float = 5
    spot_lifetime: float | None = None
    drain: float = 10


@dataclass(frozen=True)
class Context:
    """Shared by the control plane, the jobs and the endpoints.

    Attributes:
        endpoint_url: where this AWS answers; jobs use its S3 and Logs over HTTP.
        work: folder for what jobs and endpoints need on disk.
        closing: set when the server stops.
    """

    store: Store
    registry: Registry
    limits: Limits
    authorizer: Authorizer
    endpoint_url: str
    work: Path
    closing: threading.Event = field(default_factory=threading.Event)

    def clients(self, role_arn: str, session_name: str, region: str) -> RoleClients:
        """Return clients that act with a role's credentials."""
        return RoleClients(self.authorizer, role_arn, session_name, region, self.endpoint_url)
