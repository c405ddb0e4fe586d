"""The doors to the database, the dirty rows, the log, the clocks and the bell."""
