"""The operator's settings of the boxes that call one ACS."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, ValidationError, field_validator, model_validator

from gateway.adapters.sdk import BoxOptions
from gateway.adapters.stb.cwmp.maps import ParameterMap, parsed, shipped
from runtime.networks import PUBLIC, Networks
from runtime.options import Secret, formed
from runtime.wording import of_file
from terms.errors import Invalid

_REALM = "1 to 64 letters, digits, blanks, '.', '_' and '-'"


class CwmpOptions(BoxOptions):
    """One kind of boxes. The descriptions are printed into the reference."""

    realm: Annotated[str, formed(r"[A-Za-z0-9 ._-]{1,64}", _REALM)] = Field(
        "boxoffice",
        description="named in the challenge; boxes keep no secret for it",
    )
    digests: list[Literal["MD5", "SHA-256"]] = Field(
        ["MD5"],
        min_length=1,
        description="challenges offered, the best liked first; old boxes know MD5 alone",
    )
    bootstrap_username: str = Field(
        "", max_length=256, description="of boxes that have no password of their own yet"
    )
    bootstrap_password: Secret | None = Field(
        None, description="theirs; it leads into quarantine unless the box is assigned"
    )
    networks: list[str] = Field(
        [],
        description="CIDR ranges where a box may be rung although it calls from another address",
    )
    sessions_max: int = Field(200, ge=1, le=10_000, description="more callers at once are put off")
    period_s: int = Field(
        3600, ge=60, le=604_800, description="how often a box is told to call by itself"
    )
    deadline_s: float = Field(
        8.0, gt=0, le=8, description="within it a box that was rung calls and does an action"
    )
    proof_s: float = Field(
        120.0, gt=0, le=600, description="within it a box that restarts comes back with the proof"
    )
    maps: dict[str, dict[str, Any]] = Field(
        {}, description="parameter maps of further models, as in `maps.toml`"
    )

    @field_validator("networks")
    @classmethod
    def _ranges(cls, value: list[str]) -> list[str]:
        try:
            Networks(value)
        except Invalid as error:
            raise ValueError(error.reason) from None
        if PUBLIC in value:
            raise ValueError("name the ranges: anybody's address is not yours to ring")
        return value

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if bool(self.bootstrap_username) != bool(self.bootstrap_password):
            raise ValueError("bootstrap_username and bootstrap_password come together")
        try:
            known = self.all_maps()
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise ValueError(f"maps: {where}: {of_file(ParameterMap, first, where)}") from None
        for model in self.models:
            if model not in known:
                raise ValueError(f"maps: there is no parameter map of model {model}")
        return self

    def all_maps(self) -> Mapping[str, ParameterMap]:
        """Give the maps there are, the operator's before the shipped ones."""
        return {**shipped(), **parsed(self.maps)}
