"""Servers that behave like the systems beside the product, each with a codec of its own.

Started as processes (`python -m simulators KIND`) and reached through sockets alone. They import
nothing of the product, so a mistake in an adapter cannot be repeated here by sharing code.
"""
