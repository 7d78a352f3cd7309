"""Instance types by their disks."""

import re

EBS_ONLY = re.compile(r"ml\.(p[23]|[cmrt]\d+[a-ce-z]*)\.[a-z0-9]+")
"""Types without local disks, as in `infra.endpoint`."""


def has_local_disks(instance_type: str) -> bool:
    """Return whether a type has local disks.

    A job then gets the whole of them instead of VolumeSizeInGB. The hardware encrypts them, and SageMaker refuses
    VolumeKmsKeyId (ResourceConfig, TransformResources).
    """
    return EBS_ONLY.fullmatch(instance_type) is None
