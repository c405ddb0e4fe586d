"""How soon the command line answers, and how much memory the product takes."""
