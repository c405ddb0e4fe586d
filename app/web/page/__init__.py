"""What the pages of staff, technicians and subscribers share; it knows none of them."""
