"""Simulated payment providers."""
