"""The doors to the outside: time, database, network, secrets, logs. Knows no business rule."""
