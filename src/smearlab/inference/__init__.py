"""The model folder and the Predictor, on ONNX Runtime. Needs no torch."""
