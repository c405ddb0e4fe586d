"""Payment providers are set up by name, their options sealed; what is wrong is named."""

import pytest

from billing.flows.providers import configure, open_providers
from billing.payments.registry import open_provider, provider_class
from runtime.secrets import Sealer, new_master_key, parse_keys
from runtime.store import Store
from terms.errors import Invalid, NotFound


def test_unknown_kinds_and_wrong_options_are_named():
    """A kind that is not installed and an option that is wrong are said, never a secret."""
    with pytest.raises(NotFound, match="installed: gocardless, stripe"):
        provider_class("none")
    secret = "sk_test_very_secret"
    for options in (
        {"secret_key": secret},
        {"secret_key": secret, "webhook_secrets": []},
        {"secret_key": secret, "webhook_secrets": ["x"], "base_url": "ftp://x"},
        {"secret_key": secret, "webhook_secrets": ["x"], "other": 1},
    ):
        with pytest.raises(Invalid, match=r"payments\.cards\.") as raised:
            open_provider("stripe", name="cards", options=options, http=None)  # type: ignore[arg-type]
        assert secret not in str(raised.value)
    made = open_provider(
        "stripe",
        name="cards",
        options={"secret_key": secret, "webhook_secrets": ["x"]},
        http=None,  # type: ignore[arg-type]
    )
    assert secret not in repr(vars(made))


async def test_providers_are_kept_sealed(store: Store):
    """Options lie sealed in the database, are opened by name, and the same again is no change."""
    sealer = Sealer(parse_keys(new_master_key()))
    options = {"secret_key": "sk_test_x", "webhook_secrets": ["whsec_x"]}
    async with store.begin() as tx:
        assert await configure(tx, sealer, "cards", "stripe", options)
        assert not await configure(tx, sealer, "cards", "stripe", options)
        assert await configure(tx, sealer, "cards", "stripe", {**options, "tolerance_s": 60})
        opened = await open_providers(tx, sealer, None)  # type: ignore[arg-type]
        kept = await tx.fetch("SELECT options FROM payment_provider")
    assert list(opened) == ["cards"]
    assert opened["cards"].options.tolerance_s == 60  # type: ignore[attr-defined]
    assert "sk_test_x" not in str(kept)
