"""Customers, their accounts, and the services under them."""
