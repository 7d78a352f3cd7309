"""The error that ends a training run, with the text for /opt/ml/output/failure."""


class ClientError(Exception):
    """The customer's input cannot be used. The text becomes the job's FailureReason."""
