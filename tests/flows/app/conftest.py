"""What tests of the whole product may ask for."""

from tests.flows.app.served import house, served
from tests.flows.app.simulated import portal, provider, running_portal, running_provider

__all__ = ["house", "portal", "provider", "running_portal", "running_provider", "served"]
