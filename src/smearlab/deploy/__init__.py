"""Shipping a model: an ONNX file for other programs, a bundle for a competition's server, and a server of our own."""
