"""The inference proxy behind API Gateway: parse, check, standardise, invoke, interpret, respond.

Log lines and errors never contain the image, its standardised form, or the model's scores.
"""
