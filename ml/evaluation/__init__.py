"""Evaluate a model from its scores."""
