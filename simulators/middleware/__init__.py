"""Simulated IPTV middleware."""
