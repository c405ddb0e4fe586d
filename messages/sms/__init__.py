"""Short messages: to a telephone, by the operator's gateway, at most once."""
