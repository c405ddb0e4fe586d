"""Direct debits: mandates are given, debits announced, presented in batches, booked, returned."""
