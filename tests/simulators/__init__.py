"""Tests of the simulators themselves, all through real sockets."""
