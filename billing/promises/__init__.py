"""A household says by when it pays: until then nothing goes dark for what it owes."""
