"""Loyalty: points for money paid, and what a household has for bringing another."""
