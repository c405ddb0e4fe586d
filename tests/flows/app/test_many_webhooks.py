"""What payment providers, and those who pretend to be one, send to the product."""
