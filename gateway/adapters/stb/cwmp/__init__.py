"""Boxes that speak CWMP (TR-069): they call us, and we answer inside their sessions."""

from gateway.adapters.stb.cwmp.adapter import Cwmp

__all__ = ["Cwmp"]
