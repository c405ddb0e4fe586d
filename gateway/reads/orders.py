"""The journal for people, as pages show it."""

from __future__ import annotations

from gateway.provisioning.orders import Outcome, ServiceOrder, latest

__all__ = ["Outcome", "ServiceOrder", "latest"]
