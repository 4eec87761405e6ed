"""What a model is worth on labelled data."""
