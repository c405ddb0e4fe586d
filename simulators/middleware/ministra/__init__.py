"""A Stalker/Ministra portal: REST API v1, the boxes' server/load.php, OAuth2 and API v2.

Written from the behaviour of Stalker 4.9.35 and the differences up to Ministra 5.1.1.
"""

from collections.abc import Mapping
from typing import Any

from simulators.middleware.ministra.simulator import Ministra
from simulators.server import Front
from simulators.simulator import Faces, Stage


def make(stage: Stage, state: Mapping[str, Any]) -> Faces:
    """Make the portal in the state of a file (empty: a small portal of its own)."""
    return Front(stage, Ministra(stage, state))
