"""The gateway's pure parts and its stores."""
