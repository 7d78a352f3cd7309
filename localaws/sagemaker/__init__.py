"""SageMaker on localhost: a control plane and a runtime that train, transform and serve.

`api` accepts requests after `checks`. `jobs` and `hosting` run what was accepted in child processes under SageMaker's
container contract (`container`). They reach S3, CloudWatch and Logs with their execution role's credentials (`aws`).
"""
