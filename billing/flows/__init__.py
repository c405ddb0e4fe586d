"""The stories that write, one per file. Each receives the open transaction and never ends it."""
