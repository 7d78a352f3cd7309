"""API Gateway's refusal of access logs in a region without a role to write them."""

from localaws.ministack.cloudformation.resources import Created, Handler, Properties

NO_ROLE = "CloudWatch Logs role ARN must be set in account settings to enable logging"
"""API Gateway's message, as quoted in aws/aws-cdk#10878."""


def handler(original: Handler) -> Handler:
    """Return MiniStack's handler of a stage with the refusal."""

    def check(properties: Properties) -> None:
        from ministack.services import apigateway_v1

        settings = apigateway_v1._account_settings.get("settings") or {}
        if properties.get("AccessLogSetting") and not settings.get("cloudwatchRoleArn"):
            raise ValueError(NO_ROLE)

    def create(logical_id: str, properties: Properties, stack_name: str) -> Created:
        check(properties)
        created: Created = original["create"](logical_id, properties, stack_name)
        return created

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Created:
        check(new)
        updated: Created = original["update"](physical_id, old, new, stack_name)
        return updated

    return {**original, "create": create, "update": update}
