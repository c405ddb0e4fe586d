"""Tests of billing's pure models."""
