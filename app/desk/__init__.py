"""What staff does across billing and gateway: one story per file, for every edge alike.

A story receives the open transaction of its edge, like a flow does; only what must talk to the
outside opens its own.
"""
