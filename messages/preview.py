"""How every notice reads, by every channel and in every language, with samples in its places. Pure.

What would be too long for a short message is found here, before anybody is to read it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from messages.plan import KINDS, Via
from messages.policy import Policy, read_policy
from messages.sms.alphabet import Length, measure
from messages.sms.gateway import read_options
from messages.templates import language_of
from terms.errors import Invalid

OPERATOR, CONTRACT = "Example TV", "200001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """A notice of a kind in a language; `length` is what its short message takes."""

    kind: str
    language: str
    via: tuple[Via, ...]
    way: str
    screen: str
    sms: str
    length: Length
    subject: str
    mail: str


def previews(policy: Policy, *, operator: str = OPERATOR) -> Iterator[Sample]:
    """Write every notice in every language."""
    for kind, about in KINDS.items():
        for language in policy.languages():
            yield sample(policy, kind, language, about.sample, operator=operator)


def sample(
    policy: Policy, kind: str, locale: str, values: Mapping[str, str], *, operator: str
) -> Sample:
    """Write one notice by every channel. Raises Invalid for a value that is missing."""
    route = policy.route(kind)
    letter = {"contract": CONTRACT, **values, "operator": operator}
    sms = policy.text(kind, locale, "sms", values)
    return Sample(
        kind=kind,
        language=language_of(locale),
        via=route.via,
        way=route.way.value,
        screen=policy.text(kind, locale, "screen", values),
        sms=sms,
        length=measure(sms),
        subject=policy.text(kind, locale, "subject", letter),
        mail=policy.text(kind, locale, "mail", letter),
    )


def read_notices(told: Mapping[str, Any], sms: Mapping[str, Any] | None) -> Policy:
    """Read [notices] and check [sms] of operator.toml, and the one against the other.

    Raises Invalid naming what is wrong, or too long for a short message.
    """
    policy = read_policy(told)
    options = read_options(sms) if sms is not None else None
    if options is not None:
        check_lengths(policy, options.parts_max)
    elif Via.SMS in policy.vias:
        raise Invalid("notices.channels", "sms needs a gateway: [sms]")
    return policy


def check_lengths(policy: Policy, parts_max: int) -> None:
    """Raise Invalid naming the first text that is too long for a short message."""
    for one in previews(policy):
        if Via.SMS in one.via and one.length.parts > parts_max:
            place = f"notices.texts.{one.language}.{one.kind}.sms"
            raise Invalid(place, f"is too long: {one.length}, {parts_max} at most")
