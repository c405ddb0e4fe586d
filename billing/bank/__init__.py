"""What a bank says came in and went out, whose it is, and what waits for a person."""
