"""The five stages on ONNX Runtime: analyse, compose, perform, mix, place."""
