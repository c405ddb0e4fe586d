"""Units of the adapters: codecs, plans and rules, without a socket."""
