"""Payment providers, one file each, found by entry point alone."""
