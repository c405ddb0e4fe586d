"""Long runs of faults, left out of the default run: `python3 dev.py chaos`."""
