"""Direct debits: what households have allowed us to collect, and what becomes of it."""
