"""Settle, in four steps: load, rate, decide, write."""

from billing.flows.settle.story import ACCOUNTS_MAX, Settled, settle

__all__ = ["ACCOUNTS_MAX", "Settled", "settle"]
