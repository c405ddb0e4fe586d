"""The product as several processes on one PostgreSQL, with a Redis or without."""
