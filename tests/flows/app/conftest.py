"""What tests of the whole product may ask for."""

from tests.flows.app.counter import counter
from tests.flows.app.served import ENVIRONMENT, HARBOUR, at_work, harbour, house, rest, served
from tests.flows.app.simulated import portal, provider, running_portal, running_provider

__all__ = [
    "ENVIRONMENT",
    "HARBOUR",
    "at_work",
    "counter",
    "harbour",
    "house",
    "portal",
    "provider",
    "rest",
    "running_portal",
    "running_provider",
    "served",
]
