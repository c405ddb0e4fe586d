"""What a running process does besides answering: one file per kind of work."""
