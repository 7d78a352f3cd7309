"""Names under which the storage stack exports what the others import.

A named export is there from the first deployment on, so that deploying the endpoint later leaves that stack as it is; a
construct reference would add its export only once something consumes it.
"""

from infra.settings import Settings


def execution_role_export(settings: Settings) -> str:
    """Return the export of the execution role's ARN."""
    return f"{settings.stack_name('Storage')}:ExecutionRoleArn"


def bucket_export(settings: Settings) -> str:
    """Return the export of the data bucket's name."""
    return f"{settings.stack_name('Storage')}:DataBucketName"


def key_export(settings: Settings) -> str:
    """Return the export of the key's ARN, which exists where the setting kms is create."""
    return f"{settings.stack_name('Storage')}:DataKeyArn"
