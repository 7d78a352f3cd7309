"""Endpoints: their life, what they serve with, and InvokeEndpoint."""
