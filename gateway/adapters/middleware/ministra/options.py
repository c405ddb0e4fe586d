"""The operator's settings of one Stalker or Ministra portal."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from gateway.adapters.sdk import Options
from runtime.options import Secret, formed
from terms.http import bare_address

_PATH = r"(/[0-9A-Za-z][0-9A-Za-z._-]*)+"


class MinistraOptions(Options):
    """One portal. The descriptions are printed into the reference."""

    base_url: str = Field(description="address of the portal's web server, without a path")
    login: Annotated[str, formed(r"[^:]*", "a name without a colon")] = Field(
        description="`api_auth_login` of the portal"
    )
    password: Secret = Field(description="`api_auth_password` of the portal")
    api_path: Annotated[str, formed(_PATH, "a path like /stalker_portal/api/v1")] = Field(
        "/stalker_portal/api/v1",
        description="`/stalker_portal/api` is the older alias",
    )
    internal_billing: bool = Field(
        default=False, description="the portal's `enable_internal_billing`: it keeps an end date"
    )
    devices_max: int = Field(5, ge=1, le=16, description="boxes per account")
    refresh_event: Literal["update_channels", "reload_portal"] = Field(
        "update_channels", description="sent to the boxes after a change of tariff"
    )
    message_ttl_s: int = Field(86_400, ge=60, le=604_800, description="how long a message waits")
    message_hide_s: int = Field(
        0, ge=0, le=86_400, description="hides itself after that time; 0: the viewer closes it"
    )
    deadline_s: float = Field(8.0, gt=0, le=8, description="for one call, everything included")
    scan_deadline_s: float = Field(
        120.0, gt=0, le=600, description="for the whole list: about 0.9 ms a row at the portal"
    )

    @field_validator("base_url")
    @classmethod
    def _bare_address(cls, value: str) -> str:
        return bare_address(value).rstrip("/")
