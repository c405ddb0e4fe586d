"""Payment providers are set up by name, their options sealed; what is wrong is named."""

import hashlib
import hmac
from contextlib import nullcontext
from datetime import UTC, datetime

import pytest

from billing.flows.providers import configure, open_providers
from billing.payments.registry import open_provider, provider_class
from runtime.secrets import Sealer, new_master_key, parse_keys
from runtime.store import Store
from terms.errors import Forbidden, Invalid, NotFound
from tests.fixtures.till import signature

SIGNING = "whsec_of_the_operator"
STRIPE = {"secret_key": "sk_test_x", "webhook_secrets": [SIGNING]}
GOCARDLESS = {"access_token": "sandbox_x", "webhook_secrets": [SIGNING], "currency": "EUR"}


def test_unknown_kinds_and_wrong_options_are_named():
    """A kind that is not installed and an option that is wrong are said, never a secret."""
    with pytest.raises(NotFound, match="installed: gocardless, stripe"):
        provider_class("none")
    secret = "sk_test_very_secret"
    for options in (
        {"secret_key": secret},
        {"secret_key": secret, "webhook_secrets": []},
        {"secret_key": secret, "webhook_secrets": [SIGNING], "base_url": "ftp://x"},
        {"secret_key": secret, "webhook_secrets": [SIGNING], "other": 1},
    ):
        with pytest.raises(Invalid, match=r"payments\.cards\.") as raised:
            open_provider("stripe", name="cards", options=options, http=None)  # type: ignore[arg-type]
        assert secret not in str(raised.value)
    made = open_provider(
        "stripe",
        name="cards",
        options={"secret_key": secret, "webhook_secrets": [SIGNING]},
        http=None,  # type: ignore[arg-type]
    )
    assert secret not in repr(vars(made))


async def test_providers_are_kept_sealed(store: Store):
    """Options lie sealed in the database, are opened by name, and the same again is no change."""
    sealer = Sealer(parse_keys(new_master_key()))
    options = STRIPE
    async with store.begin() as tx:
        assert await configure(tx, sealer, "cards", "stripe", options)
        assert not await configure(tx, sealer, "cards", "stripe", options)
        assert await configure(tx, sealer, "cards", "stripe", {**options, "tolerance_s": 60})
        opened = await open_providers(tx, sealer, None)  # type: ignore[arg-type]
        kept = await tx.fetch("SELECT options FROM payment_provider")
    assert list(opened) == ["cards"]
    assert opened["cards"].options.tolerance_s == 60  # type: ignore[attr-defined]
    assert "sk_test_x" not in str(kept)


@pytest.mark.parametrize(("kind", "whole"), [("stripe", STRIPE), ("gocardless", GOCARDLESS)])
def test_what_is_wrong_is_told_in_plain_words(kind, whole):
    """Whoever forgets a variable or makes a secret up is told which one it is, and why."""
    named = next(iter(whole))
    for option, value, where, why in (
        (named, "", named, "must not be empty"),
        (named, " \t", named, "must not be empty"),
        (named, "sk_test_x\n", named, "must not begin or end with a blank"),
        (named, "sk_\0x", named, "holds a character that nobody sees"),
        ("webhook_secrets", [SIGNING, ""], "webhook_secrets.1", "must not be empty"),
        ("webhook_secrets", [" "], "webhook_secrets.0", "must not be empty"),
        ("webhook_secrets", ["x"], "webhook_secrets.0", "must have at least 16 characters"),
        ("webhook_secrets", [], "webhook_secrets", "must not be empty"),
        ("colour", "red", "colour", "unknown; known are base_url"),
        ("deadline_s", 9.0, "deadline_s", "'9.0' is not a number above 0 and up to 8"),
        ("return_url", "javascript:1", "return_url", "must be an http or https address"),
        ("return_url", "", "return_url", "must be an http or https address"),
        ("return_url", "http://x.example/", "return_url", "must be an https address"),
    ):
        options = {**whole, option: value}
        with pytest.raises(Invalid, match=why) as raised:
            open_provider(kind, name="cards", options=options, http=None)  # type: ignore[arg-type]
        assert raised.value.field == f"payments.cards.{where}"
    options = {**whole, "return_url": "https://tv.example/back?from=bank"}
    open_provider(kind, name="cards", options=options, http=None)  # type: ignore[arg-type]


@pytest.mark.parametrize(("kind", "whole"), [("stripe", STRIPE), ("gocardless", GOCARDLESS)])
async def test_an_empty_secret_that_is_kept_proves_nothing(store: Store, kind, whole):
    """A database that an older version wrote is opened, and a message signed by nothing forged."""
    sealer = Sealer(parse_keys(new_master_key()))
    options = {**whole, "webhook_secrets": ["", " ", SIGNING]}
    async with store.begin() as tx:
        await configure(tx, sealer, "cards", kind, options)
        opened = await open_providers(tx, sealer, None)  # type: ignore[arg-type]
    now, body = datetime.now(UTC), b'{"id": "evt_1", "events": []}'
    at = int(now.timestamp())
    for secret, is_believed in (("", False), (" ", False), (SIGNING, True)):
        mark = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        headers = {"stripe-signature": signature(body, at, secret), "webhook-signature": mark}
        with nullcontext() if is_believed else pytest.raises(Forbidden):
            opened["cards"].verify(headers, body, now)
