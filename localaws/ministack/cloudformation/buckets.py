"""S3 buckets in CloudFormation, where MiniStack differs from AWS."""

from localaws.ministack.cloudformation.resources import Created, Handler, Properties


def handler(original: Handler) -> Handler:
    """Return MiniStack's handler with tags, and with AWS's refusal to delete a bucket that holds objects."""
    from ministack.services import s3

    def tag(name: str, properties: Properties) -> None:
        s3._bucket_tags[name] = {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags", [])}

    def create(logical_id: str, properties: Properties, stack_name: str) -> Created:
        name, attributes = original["create"](logical_id, properties, stack_name)
        tag(name, properties)
        return name, attributes

    def update(physical_id: str, old: Properties, new: Properties, stack_name: str) -> Created:
        name, attributes = original["update"](physical_id, old, new, stack_name)
        tag(name, new)
        return name, attributes

    def delete(physical_id: str, properties: Properties) -> None:
        if s3._buckets.get(physical_id, {}).get("objects"):
            raise ValueError(f"The bucket you tried to delete is not empty: {physical_id}")
        original["delete"](physical_id, properties)
        s3._delete_persisted_bucket(physical_id)

    return {**original, "create": create, "update": update, "delete": delete}
