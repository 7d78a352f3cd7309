"""How the waiters of boto3 poll localaws, where most changes take a fraction of a second."""

OFTEN = {"Delay": 0.1, "MaxAttempts": 600}
