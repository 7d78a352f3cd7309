"""Teach MiniStack's CloudFormation the resource types that it lacks, and what it does unlike AWS."""

from collections.abc import Callable

from localaws.gateway import SageMaker
from localaws.ministack.cloudformation import buckets, exports, recorded, sagemaker


def register(service: SageMaker) -> None:
    """Add the handlers to MiniStack; SageMaker's run on worker threads, because an endpoint takes seconds."""
    from ministack.services.cloudformation import provisioners, stacks

    exports.enforce()
    handlers = provisioners._RESOURCE_HANDLERS
    handlers.update(sagemaker.handlers(service))
    handlers["AWS::S3::Bucket"] = buckets.handler(handlers["AWS::S3::Bucket"])
    for resource_type in recorded.TYPES:
        handlers.setdefault(resource_type, recorded.recorded(resource_type))
    known_to_block: Callable[[str], bool] = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda kind: kind.startswith("AWS::SageMaker::") or known_to_block(kind)
