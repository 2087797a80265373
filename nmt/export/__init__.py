"""A trained model as graphs for ONNX Runtime, to translate without torch."""
