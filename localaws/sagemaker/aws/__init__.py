"""The local AWS with a role's permissions: clients, S3, logs and IAM checks."""
