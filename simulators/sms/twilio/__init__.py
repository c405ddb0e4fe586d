"""A gateway for short messages that speaks the shape of Twilio's public Messages resource.

Form-encoded requests with a login, messages as JSON, errors by their numbers. Nothing is carried
anywhere: a page of its own shows what telephones would have read.
"""

from collections.abc import Mapping
from typing import Any

from simulators.server import Front
from simulators.simulator import Faces, Stage
from simulators.sms.twilio.simulator import Twilio


def make(stage: Stage, state: Mapping[str, Any]) -> Faces:
    """Make a gateway with the accounts of a state."""
    return Front(stage, Twilio(stage, state))
