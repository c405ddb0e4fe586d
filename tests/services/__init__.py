"""What the tests need from the machine: databases of their own, a browser, closed sockets."""
