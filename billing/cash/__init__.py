"""Cash: tills, the shifts of those who sit at them, receipts."""
