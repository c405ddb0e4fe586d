"""Stripe: payment intents off session, checkout and setup pages, refunds, signed webhooks.

Spoken by the provider's own library; written from Stripe's public API reference (version
2025-03-31) and its pages on webhook signatures, idempotent requests and decline codes.
"""

from runtime.memory import unadorned

# The library makes a client of its own when it is loaded; every request goes through our door.
with unadorned("requests"):
    from billing.payments.providers.stripe.options import Options
    from billing.payments.providers.stripe.provider import Stripe

__all__ = ["Options", "Stripe"]
