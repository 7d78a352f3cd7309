"""The state, folders, limits and role credentials that all parts of the service share."""

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
    """Time limits in seconds, and numbers of jobs that run at a time.

    Attributes:
        stop_grace: from SIGTERM to SIGKILL when a training or processing job is stopped (SageMaker: 120 s for
            training).
        ping: for a serving container to answer /ping, unless the endpoint config sets another limit.
        invocation: for a container to answer InvokeEndpoint (SageMaker: 60 s).
        training_slots: training jobs at a time; further jobs stay in Starting. In SageMaker each job has its own
            machines, but here they share one.
        transform_slots: transform jobs at a time.
        processing_slots: processing jobs at a time, each with all its instances.
        checkpoint_sync: between two uploads of changed checkpoints, or of outputs with S3UploadMode Continuous.
        spot_lifetime: training time until a spot job is interrupted once; None for never (SageMaker: at any time).
        drain: for requests in flight when an endpoint changes to a new deployment.
    """

    stop_grace: float = 120
    ping: float = 60
    invocation: float = 60
    training_slots: int = max(1, (os.cpu_count() or 1) // 4)
    transform_slots: int = 2
    processing_slots: int = 1
    checkpoint_sync: float = 5
    spot_lifetime: float | None = None
    drain: float = 10


@dataclass(frozen=True)
class Context:
    """The objects that the control plane, the jobs and the endpoints share.

    Attributes:
        endpoint_url: URL of localaws; jobs use its S3 and Logs over HTTP.
        work: folder for the files of jobs and endpoints.
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
        """Return clients with a role's credentials."""
        return RoleClients(self.authorizer, role_arn, session_name, region, self.endpoint_url)
