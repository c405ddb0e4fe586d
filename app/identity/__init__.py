"""Who may act: people with their roles, passwords and sign-ins, and API tokens.

It knows nothing of HTTP: an edge brings what was typed and what a browser keeps.
"""
