"""Pages of the technician, for a phone in one hand; whole without any script."""
