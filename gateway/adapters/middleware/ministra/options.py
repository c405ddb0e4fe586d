"""The operator's settings of one Stalker or Ministra portal."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator

from gateway.adapters.sdk import Options


class MinistraOptions(Options):
    """One portal. `scan_deadline_s` allows for the unpaged list: about 0.9 ms a row there."""

    base_url: str
    login: str
    password: SecretStr
    api_path: str = Field("/stalker_portal/api/v1", pattern=r"^(/[0-9A-Za-z][0-9A-Za-z._-]*)+$")
    internal_billing: bool = False  # the portal's enable_internal_billing: it keeps end_date
    devices_max: int = Field(5, ge=1, le=16)
    refresh_event: Literal["update_channels", "reload_portal"] = "update_channels"
    message_ttl_s: int = Field(86_400, ge=60, le=604_800)
    message_hide_s: int = Field(0, ge=0, le=86_400)  # 0: until the viewer closes it
    deadline_s: float = Field(8.0, gt=0, le=8)
    scan_deadline_s: float = Field(120.0, gt=0, le=600)

    @field_validator("base_url")
    @classmethod
    def _bare_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be an http or https address")
        if "@" in parts.netloc or parts.query or parts.fragment:
            raise ValueError("must be a bare address: no user, query or fragment")
        return value.rstrip("/")
