"""Seeded, batched alterations of pictures (NumPy only), and which family and group each belongs to."""
