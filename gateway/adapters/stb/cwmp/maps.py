"""Parameter maps: what our words are called at one model of box. Data, read from `maps.toml`.

A model of somebody else's is another table there, or one in the options of its target.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from runtime.options import formed

NAME_CHARS_MAX = 256  # TR-069, A.3.2.1
_ROOT = r"[A-Za-z][A-Za-z0-9_.-]*\."
_LEAF = r"[A-Za-z][A-Za-z0-9_.-]*[A-Za-z0-9_-]"
_PATH = "a path like Device.Screen., with a point behind it"
_Root = Annotated[str, formed(_ROOT, _PATH)]
_Branch = Annotated[str, formed(f"({_ROOT})?", f"{_PATH}, or empty")]
_Leaf = Annotated[str, formed(_LEAF, "the name of a parameter like Device.Screen.Active")]


class ParameterMap(BaseModel):
    """One model of box. `messages` is empty where it has no messages on its screen."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    root: _Root = Field("Device.", max_length=NAME_CHARS_MAX)
    active: _Leaf = Field(max_length=NAME_CHARS_MAX)
    packages: _Leaf = Field(max_length=NAME_CHARS_MAX)
    messages: _Branch = Field("", max_length=NAME_CHARS_MAX)
    packages_max: int = Field(64, ge=0, le=1024)
    message_chars_max: int = Field(200, ge=1, le=4096)
    # Whether it can be given credentials; there are models that change them with their firmware.
    takes_secrets: bool = True
    # How often the model takes a connection request at most.
    request_every_s: float = Field(30.0, ge=0, le=3600)

    def server(self, name: str) -> str:
        """Name a parameter of the management server."""
        return f"{self.root}ManagementServer.{name}"

    @property
    def key(self) -> str:
        """The name of the ParameterKey."""
        return self.server("ParameterKey")


@cache
def shipped() -> Mapping[str, ParameterMap]:
    """Read the maps that come with the product, by model."""
    text = Path(__file__).with_name("maps.toml").read_text("utf-8")
    return parsed(tomllib.loads(text))


def parsed(tables: Mapping[str, Any]) -> Mapping[str, ParameterMap]:
    """Check maps. Raises pydantic's ValidationError naming what is wrong."""
    return {model: ParameterMap.model_validate(table) for model, table in tables.items()}
