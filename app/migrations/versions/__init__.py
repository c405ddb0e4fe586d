"""One file per step, named by its number and the package whose tables it makes."""
