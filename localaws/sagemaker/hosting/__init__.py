"""Endpoints: their deployments, their states, and InvokeEndpoint."""
