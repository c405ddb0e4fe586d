"""Which offering a service has, from when to when."""
