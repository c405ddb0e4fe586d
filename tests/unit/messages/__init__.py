"""The composition root, piece by piece."""
