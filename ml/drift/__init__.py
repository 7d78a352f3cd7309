"""Whether what the deployed model is asked about still looks like what it was validated on."""
