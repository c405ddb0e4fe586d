"""OSS: make the world match the Entitlement. Knows no money and imports nothing of billing."""
