"""Provisioning: make every target hold what the newest entitlements say. It knows no vendor."""
