"""GoCardless: bank debits from mandates, refunds, pages on which a mandate is given, webhooks.

Written from GoCardless's public API reference (version 2015-07-06): idempotency keys, cursor
pagination, event types, webhook signatures. Its library is synchronous, so it is not used.
"""

from billing.payments.providers.gocardless.options import Options
from billing.payments.providers.gocardless.provider import Gocardless

__all__ = ["Gocardless", "Options"]
