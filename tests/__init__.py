"""The tests of Boxoffice: real parts, on loopback only."""
