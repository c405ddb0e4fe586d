"""A process killed anywhere between a payment and its picture loses nothing and repeats nothing."""
