"""The local AWS as a job's role may use it: clients, S3, logs, access checks."""
