"""Taking an operator over from plain files: read, check all, then load in one transaction."""
