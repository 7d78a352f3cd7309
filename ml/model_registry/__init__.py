"""SageMaker Model Registry: one group of packages for each stage, their approval, and promotion to another stage."""
