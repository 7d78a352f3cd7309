"""A real browser on the running app, for the end-to-end tests and the screenshots."""
