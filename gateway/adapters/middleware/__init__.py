"""Middleware adapters, one file per kind. Never imported by name: see the registry."""
