"""A fleet: very many boxes that call one ACS, behind one listener for connection requests.

Boxes that are met before their power returns or their period is over say nothing at first, as a
fleet that has been in the field for long.
"""

from collections.abc import Mapping
from typing import Any

from simulators.simulator import Faces, Stage
from simulators.stb.cwmp.kind import CwmpRack, add_options

__all__ = ["add_options", "make"]


def make(stage: Stage, state: Mapping[str, Any]) -> Faces:
    """Make boxes that share one listener."""
    is_storm = state.get("storm_s") is not None
    first = {"first": "boot" if is_storm else "none"}
    # A fleet boots as fast as its power returns, so that a storm has the length it was given.
    return CwmpRack(stage, {"boot_s": 0.0, **first, **state}, "fleet", is_shared=True)
