"""SageMaker on localhost: a control plane and a runtime that really train, transform and serve.

What it runs is a child process under SageMaker's container contract, found by the image's repository
name (`registry`). Every job and endpoint acts with its execution role's credentials only.
"""
