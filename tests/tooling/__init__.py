"""Tests of dev.py and of the services that the tests themselves stand on."""
