"""Who sells, as documents have to say it."""
