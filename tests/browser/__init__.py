"""A real browser on the running app: what the end-to-end tests and the screenshots share."""
