"""What households use, record by record, and how much of it in each period."""
