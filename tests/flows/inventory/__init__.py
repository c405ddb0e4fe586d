"""Boxes, what happens to them, and what is known of how they are reached."""
