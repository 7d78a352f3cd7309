"""AWS on localhost: MiniStack, plus a SageMaker that really trains, transforms and serves."""
