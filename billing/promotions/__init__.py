"""Promotions: what is taken off prices before tax."""
