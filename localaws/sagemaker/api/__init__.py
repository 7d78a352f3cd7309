"""The control plane: one operation family a module."""
