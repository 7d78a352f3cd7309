"""The work of training, transform and tuning jobs."""
