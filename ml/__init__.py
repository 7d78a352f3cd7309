"""What happens to data and models: `python -m ml.prepare`, `ml.train`, `ml.transform`, `ml.api`."""
