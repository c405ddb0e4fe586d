"""Set-top box adapters, one file or package per protocol. Never imported by name."""
