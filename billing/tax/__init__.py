"""Tax rates and the tax of an invoice."""
