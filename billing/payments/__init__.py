"""How money comes in and back, and which invoices it pays."""
