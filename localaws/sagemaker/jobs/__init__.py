"""What runs for a job: training, transform and tuning."""
