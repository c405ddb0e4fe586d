"""Gateways for short messages."""
