"""Derived rows may be lost: they come back the same, and nothing else moves."""
