"""Reading cell pictures, synthetic smears, the picture cache, fingerprints, framing and splits. Needs no torch."""
