"""Bill days: who looked at what a day would bill, and let it go."""
