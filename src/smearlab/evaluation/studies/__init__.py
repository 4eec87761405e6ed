"""Studies: many small trainings that differ in one thing, measured on the same altered pictures.

To add one, write its table of cells (see `policies.py`) and list it in `catalogue.py`.
"""
