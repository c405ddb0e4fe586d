"""The conformance suite run on every adapter kind there is."""
