"""A gateway for short messages that takes them over HTTP, however its fields are called.

What the operator's gateway wants is data: where, in which shape, under which names, and how it
knows us. A refusal says that nothing was sent; a lost answer or a failure of the gateway leaves it
open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated
from urllib.parse import urlencode, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from messages.sms.number import check_country_code
from runtime.options import Origin, Secret, SigningKey
from runtime.options import read_options as options_of
from runtime.wording import of_file
from terms.errors import (
    Invalid,
    Permanent,
    TargetError,
    Throttled,
    Unauthorized,
    Unreachable,
    untouched,
)
from terms.http import Http, bare_address

PLACES = frozenset({"to", "digits", "text", "id", "sender"})
PARTS_MAX = 10
PARTS = 3
FIELDS_MAX = 20
ANSWER_BYTES_MAX = 65_536
WAIT_S = 30.0
_PLACE = re.compile(r"\{([a-z_]+)\}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,60}")
_REFUSALS = range(300, 500)


class Shape(StrEnum):
    """How the fields travel."""

    JSON = "json"
    FORM = "form"


def _named(fields: dict[str, str]) -> dict[str, str]:
    for name, text in fields.items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name[:60]!r} is no name of a field")
        if strange := set(_PLACE.findall(text)) - PLACES:
            known = ", ".join(sorted(PLACES))
            raise ValueError(f"{{{min(strange)}}} is unknown in {name}: there are {known}")
    said = {place for text in fields.values() for place in _PLACE.findall(text)}
    if "text" not in said or not said & {"to", "digits"}:
        raise ValueError("must have places for {text} and for {to} or {digits}")
    return fields


def _header(text: str) -> str:
    if text and not _HEADER.fullmatch(text):
        raise ValueError("is no name of a header")
    return text


def _country(text: str) -> str:
    try:
        check_country_code("country_code", text)
    except Invalid as error:
        raise ValueError(error.reason) from None
    return text


class Options(BaseModel):
    """[sms]: the gateway. One of `bearer`, `user` with `password`, or `hmac_secret` proves us."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    kind: Annotated[str, Field(pattern="^http$")]
    url: Annotated[str, AfterValidator(bare_address)]
    shape: Annotated[str, Field(pattern="^(json|form)$")] = Shape.JSON.value
    fields: Annotated[
        dict[str, str], Field(min_length=2, max_length=FIELDS_MAX), AfterValidator(_named)
    ]
    sender: Annotated[str, Field(max_length=20)] = ""
    bearer: Secret | None = None
    user: Annotated[str, Field(max_length=200)] = ""
    password: Secret | None = None
    hmac_secret: SigningKey | None = None
    hmac_header: Annotated[str, AfterValidator(_header)] = "X-Signature"
    country_code: Annotated[str, AfterValidator(_country)] = ""
    parts_max: Annotated[int, Field(ge=1, le=PARTS_MAX)] = PARTS

    @model_validator(mode="after")
    def _proof(self) -> Options:
        proofs = [self.bearer, self.password, self.hmac_secret]
        if sum(one is not None for one in proofs) > 1 or bool(self.user) != bool(self.password):
            raise ValueError("one proof alone: bearer, user and password, or hmac_secret")
        return self


def read_options(options: Mapping[str, object], origin: Origin = Origin.TOLD) -> Options:
    """Check the options of a gateway. Raises Invalid naming the first that is wrong."""
    try:
        return options_of(Options, options, origin)
    except ValidationError as error:
        wrong = error.errors(include_url=False)[0]
        field = ".".join(["sms", *(str(part) for part in wrong["loc"])])
        raise Invalid(field, of_file(Options, wrong, field)) from None


class Gateway:
    """One gateway, over the one client door."""

    def __init__(self, options: Options, http: Http) -> None:
        self.options = options
        self.http = http

    async def send(self, id_: str, to: str, text: str) -> None:
        """Hand a message over, once.

        Raises a TargetError, `untouched` where it was certainly not taken.
        """
        headers, body = self.request(id_, to, text)
        answer = await self.http.call(
            "POST",
            self.options.url,
            headers=headers,
            body=body,
            body_bytes_max=ANSWER_BYTES_MAX,
        )
        if (refusal := _refusal(answer.status, answer.headers)) is not None:
            raise refusal

    def request(self, id_: str, to: str, text: str) -> tuple[dict[str, str], bytes]:
        """Write the headers and the body of a message."""
        options = self.options
        values = {
            "to": to,
            "digits": to.removeprefix("+"),
            "text": text,
            "id": id_,
            "sender": options.sender,
        }
        filled = {
            name: _PLACE.sub(lambda found: values[found[1]], shape)
            for name, shape in options.fields.items()
        }
        if options.shape == Shape.FORM.value:
            kind, body = "application/x-www-form-urlencoded", urlencode(filled).encode()
        else:
            kind, body = "application/json", json.dumps(filled, ensure_ascii=False).encode()
        return {"Content-Type": kind, **self._proof(body)}, body

    def _proof(self, body: bytes) -> dict[str, str]:
        options = self.options
        if options.bearer is not None:
            return {"Authorization": f"Bearer {options.bearer.get_secret_value()}"}
        if options.password is not None:
            pair = f"{options.user}:{options.password.get_secret_value()}"
            return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
        if options.hmac_secret is not None:
            secret = options.hmac_secret.get_secret_value().encode()
            return {options.hmac_header: hmac.new(secret, body, hashlib.sha256).hexdigest()}
        return {}

    @property
    def host(self) -> str:
        """Where it is."""
        return urlsplit(self.options.url).hostname or ""


def _refusal(status: int, headers: Mapping[str, str]) -> TargetError | None:
    """Read what the gateway answered; nothing where it took the message."""
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return None
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return untouched(Unauthorized("the gateway does not know us"))
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        told = headers.get("retry-after", "")
        wait_s = float(told) if told.isdigit() and len(told) < len("99999") else WAIT_S
        return untouched(Throttled("the gateway is asked too often", wait_s))
    if status in _REFUSALS:
        return untouched(Permanent(f"the gateway refuses it with HTTP {status}"))
    return Unreachable(f"the gateway answered HTTP {status}: it may have sent it")
