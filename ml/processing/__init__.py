"""Preparation on SageMaker Processing: the stages of ml.prepare as jobs over shards of a source in S3."""
