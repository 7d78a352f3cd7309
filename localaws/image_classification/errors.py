"""What ends a training run, in the words the container writes to /opt/ml/output/failure."""


class ClientError(Exception):
    """The customer's input cannot be used; the sentence becomes the job's FailureReason."""
