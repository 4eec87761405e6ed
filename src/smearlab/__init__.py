"""smearlab: from a collection of blood-smear cell pictures to a classifier that can be trusted."""

__version__ = "0.1.0"
