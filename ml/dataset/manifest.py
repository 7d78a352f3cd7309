"""The augmented manifest: JSON Lines, each with the S3 address of an image and its class.

Format: "Train with Augmented Manifest Image Format" of Image Classification in the SageMaker developer guide.
"""

import json
from collections.abc import Iterable

from ml.dataset.lists import Example

ATTRIBUTES = ["source-ref", "class"]
"""AttributeNames of the channel, in this order."""


def manifest_text(examples: Iterable[Example], prefix: str) -> str:
    """Return a manifest, one line an example; `prefix` is the S3 URI, ending in a slash, that the paths are below."""
    return "".join(
        json.dumps({"source-ref": f"{prefix}{path}", "class": str(label)}) + "\n" for label, path in examples
    )
