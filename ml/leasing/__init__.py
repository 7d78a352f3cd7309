"""The lease of an endpoint: its entry in cdk.context.json and its schedule in AWS."""
