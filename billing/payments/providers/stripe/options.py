"""How an operator's account at the provider is reached."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from runtime.options import PageAddress, Secret, SigningKey
from terms.http import bare_address


class Options(BaseModel):
    """How an operator's account at the provider is reached. Several secrets allow for rotation.

    An amount that is finer than the provider takes (5.124 KWD) is asked for rounded up, and the
    difference is the household's credit.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    base_url: Annotated[str, AfterValidator(bare_address)] = Field(
        default="https://api.stripe.com", description="address of the API, without the version"
    )
    secret_key: Secret = Field(description="the account's secret API key")
    webhook_secrets: list[SigningKey] = Field(
        min_length=1,
        max_length=8,
        description="signing secrets of the webhook endpoint, of at least 16 characters; "
        "several while one replaces another",
    )
    tolerance_s: int = Field(
        default=300, ge=1, le=3600, description="how old a signed message may be"
    )
    deadline_s: float = Field(
        default=8.0, gt=0, le=8, description="for one call, everything included"
    )
    return_url: PageAddress = Field(
        default="http://127.0.0.1:8080/",
        description="where the payment page leads to, unless the link names another: https, "
        "or http on the same machine",
    )
