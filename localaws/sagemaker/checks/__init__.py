"""What SageMaker refuses, in AWS's words."""
