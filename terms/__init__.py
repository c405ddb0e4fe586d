"""The shared language: pure values that billing, gateway and everybody above them speak.

Imports nothing of ours and does no I/O. A word used in two packages is defined here, once.
"""
