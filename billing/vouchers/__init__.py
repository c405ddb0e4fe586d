"""Vouchers: batches of prepaid cards that dealers sell, and their codes."""
