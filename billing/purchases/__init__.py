"""What households have bought once, and for how long they may watch it."""
