"""The gateway as a whole, in one process, against a simulated portal; once on each database."""
