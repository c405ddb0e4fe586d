"""The mail server as it is named, and what is said to it."""
