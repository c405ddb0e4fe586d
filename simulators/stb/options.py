"""The options that the kinds with boxes share."""

import argparse


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add how many boxes there are, from which seed, and how long they boot."""
    parser.add_argument("--count", type=int, help="boxes made from the seed")
    parser.add_argument("--seed", help="equal seeds make equal boxes")
    parser.add_argument("--boot-s", type=float, help="how long a box boots")
