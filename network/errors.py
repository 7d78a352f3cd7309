"""The error that ends a training run or an invocation, with the text for the user."""


class InputError(ValueError):
    """The hyperparameters, channels or images cannot be used."""
