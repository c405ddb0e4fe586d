"""What is sold, for how much, from when on."""
