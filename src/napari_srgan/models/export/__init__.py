"""Models for other programs: ONNX and bioimage.io."""
