"""A stand-in for SageMaker's built-in Image Classification: the same contract, a network that fits a laptop's CPU.

It takes the same channels, lists and hyperparameters, writes the same log lines and gives the same answers. It is
not MXNet's ResNet, and says so in its log.
"""
