"""The project's own network, and the export of either algorithm's artifact to ONNX.

It imports nothing of the project. Training and serving run on PyTorch 2.6, NumPy and Pillow, as in SageMaker's PyTorch
container. `export`, `onnx_padding` and `mxnet_*` need onnx, and `export` onnxruntime; it has neither.
"""
