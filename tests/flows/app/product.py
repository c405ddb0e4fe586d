"""Runs the product as an operator does: `boxoffice serve` in a folder, beside simulators."""
