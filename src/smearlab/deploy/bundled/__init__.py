"""The parts that a competition bundle's ``model.py`` is put together from.

They run where smearlab is not installed: each needs NumPy and its own runtime alone, and Python from 3.9. What they
import from each other stands in one file with them in the end.
"""
