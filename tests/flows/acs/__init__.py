"""Boxes that call an ACS."""
