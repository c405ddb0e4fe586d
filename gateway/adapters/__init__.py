"""Adapters: one file per kind of target. They hold no truth, do not retry and do not log."""
