"""Stripe: payment intents off session, checkout and setup pages, refunds, signed webhooks.

Written from Stripe's public API reference (version 2024-06-20) and its pages on webhook
signatures, idempotent requests and decline codes.
"""

from billing.payments.providers.stripe.options import Options
from billing.payments.providers.stripe.provider import Stripe

__all__ = ["Options", "Stripe"]
