"""Whatever the order of what happens to a subscriber, the portal ends with the newest."""
