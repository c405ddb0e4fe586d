"""Stories of billing on real databases."""
