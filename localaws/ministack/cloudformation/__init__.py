"""Resource types that MiniStack's CloudFormation lacks, and where it differs from AWS."""

from collections.abc import Mapping

from localaws.ministack.cloudformation import api_stages, buckets, conditions, exports, settling, without_effect
from localaws.ministack.cloudformation.resources import Handler


def register(blocking: Mapping[str, Handler]) -> None:
    """Patch MiniStack's handlers and add those of `blocking`, which run on worker threads because they take seconds."""
    from ministack.services.cloudformation import provisioners, stacks

    exports.patch()
    conditions.patch()
    settling.patch()
    handlers = provisioners._RESOURCE_HANDLERS
    handlers.update(blocking)
    handlers["AWS::ApiGateway::Stage"] = api_stages.handler(handlers["AWS::ApiGateway::Stage"])
    handlers["AWS::S3::Bucket"] = buckets.handler(handlers["AWS::S3::Bucket"])
    for resource_type in without_effect.TYPES:
        handlers.setdefault(resource_type, without_effect.handler(resource_type))
    original = stacks._runs_on_worker_thread
    stacks._runs_on_worker_thread = lambda resource_type: resource_type in blocking or original(resource_type)
