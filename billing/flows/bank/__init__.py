"""Stories of bank statements: taking them, finding whose money it is, people's decisions."""
