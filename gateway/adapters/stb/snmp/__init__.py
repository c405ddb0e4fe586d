"""Boxes over SNMP: `adapter` decides, `reply` reads, `engine` talks, `keys` says as whom."""

from gateway.adapters.stb.snmp.adapter import Snmp

__all__ = ["Snmp"]
