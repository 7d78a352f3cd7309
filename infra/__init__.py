"""What exists in AWS, one module per capability; synth is a pure function of settings, model and lease."""
