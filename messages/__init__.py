"""Delivers notices to households through ports of its own; at most once, and never late."""
