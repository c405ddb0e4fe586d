"""From the last byte of a webhook to the write at the portal, measured from outside."""
