"""Stalker and Ministra portals: `adapter` decides, `rows` reads and words, `rest` talks."""

from gateway.adapters.middleware.ministra.adapter import Ministra

__all__ = ["Ministra"]
