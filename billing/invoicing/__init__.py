"""Invoices: drawn up once, numbered without a gap, never changed."""
