"""The demonstration: one operator's story, told by the whole product and proven by the simulators.

It knows the product only as an operator does, by commands and HTTP; it imports none of it.
"""
