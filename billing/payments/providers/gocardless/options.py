"""How an operator's account at the provider is reached."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from runtime.options import PageAddress, Secret, SigningKey
from terms.http import bare_address


class Options(BaseModel):
    """Bank debits, which take days: an invoice stays open until the bank has confirmed its payment.

    A mandate is given on the provider's own page. Several secrets allow for rotation.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    base_url: Annotated[str, AfterValidator(bare_address)] = Field(
        default="https://api.gocardless.com",
        description="address of the API; the sandbox is `https://api-sandbox.gocardless.com`",
    )
    access_token: Secret = Field(description="an access token that may read and write")
    webhook_secrets: list[SigningKey] = Field(
        min_length=1,
        max_length=8,
        description="secrets of the webhook endpoint, of at least 16 characters; "
        "several while one replaces another",
    )
    currency: str = Field(
        pattern="^[A-Z]{3}$", description="the currency of the mandates that are asked for"
    )
    deadline_s: float = Field(
        default=8.0, gt=0, le=8, description="for one call, everything included"
    )
    return_url: PageAddress = Field(
        default="http://127.0.0.1:8080/",
        description="where the page of a mandate leads to, unless the link names another: https, "
        "or http on the same machine",
    )
