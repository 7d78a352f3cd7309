"""Checks of requests: the API model, and what SageMaker or localaws refuses beyond it."""
