"""Benchmarks: each value beside its limit, measured in the same run on the same machine."""
