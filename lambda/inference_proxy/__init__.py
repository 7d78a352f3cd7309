"""The inference proxy behind API Gateway: parse, check, standardise, invoke, interpret, respond.

The request's image, the image made of it and the model's scores are in no log line and in no error.
"""
