"""AWS as the commands use it: clients, stack outputs, S3, image URIs, errors."""
