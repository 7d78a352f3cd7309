"""The control plane: one family of operations per module."""
