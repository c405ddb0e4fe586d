"""Tells people: notices on their screens, letters by mail; each at most once, and never late."""
