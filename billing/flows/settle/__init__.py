"""Settle, in four steps: load, rate, decide, write."""

from billing.flows.settle.story import ACCOUNTS_MAX, Foreseen, Settled, foresee, settle

__all__ = ["ACCOUNTS_MAX", "Foreseen", "Settled", "foresee", "settle"]
