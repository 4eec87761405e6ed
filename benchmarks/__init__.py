"""Side by side with peers, in one run: `python -m benchmarks.NAME`, from the repository's root."""
