"""Boxes over SSH: `adapter` decides, `link` says one verb, `doors` opens links and minds keys."""

from gateway.adapters.stb.ssh.adapter import Ssh

__all__ = ["Ssh"]
