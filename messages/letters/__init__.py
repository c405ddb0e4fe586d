"""Letters: what goes to one mail address, once; sealed while it waits, gone when it has ended."""
