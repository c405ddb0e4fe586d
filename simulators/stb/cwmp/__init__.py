"""The CWMP face of the reference box: a CPE as TR-069 (Amendment 6) describes one."""

from collections.abc import Mapping
from typing import Any

from simulators.simulator import Faces, Stage
from simulators.stb.cwmp.kind import CwmpRack, add_options

__all__ = ["add_options", "make"]


def make(stage: Stage, state: Mapping[str, Any]) -> Faces:
    """Make boxes that listen each on a port of its own."""
    return CwmpRack(stage, state, "cwmp", is_shared=False)
