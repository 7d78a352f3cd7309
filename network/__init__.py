"""The project's own network: training in SageMaker's PyTorch container, serving, and export to ONNX.

It imports nothing of the project and runs on PyTorch 2.6, NumPy and Pillow. Only `export` and `onnx_padding` need
more: onnx and onnxruntime, which the container does not have.
"""
