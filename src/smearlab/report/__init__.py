"""Building blocks of a self-contained report page: plots, picture grids, tables and templates. Needs no torch."""
