"""What the tests need from the machine: a PostgreSQL of their own, a browser, closed sockets."""
