"""What is charged once and is already known, until it stands on an invoice."""
