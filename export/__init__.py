"""From torch checkpoints to ONNX bundles."""
