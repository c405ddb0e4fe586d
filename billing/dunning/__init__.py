"""What follows from a debt: retries, notices, holds."""
