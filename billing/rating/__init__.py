"""What should be charged, period by period."""
