"""The doors of runtime to the outside, against real sockets, files and processes."""
