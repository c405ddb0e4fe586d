"""Inventory: which box is where, and who holds it. It knows nothing of what that costs."""
