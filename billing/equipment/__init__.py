"""The money side of devices: what a household rents."""
