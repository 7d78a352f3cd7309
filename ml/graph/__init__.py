"""The model's ONNX graph: taken from its artifact, compared with the model, and recorded."""
