"""A stand-in for SageMaker's built-in Image Classification with networks for a laptop's CPU.

It has the same channels, lists, hyperparameters, log lines and answers. It is not MXNet's ResNet, and logs that.
"""
