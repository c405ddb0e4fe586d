"""What operators look at: one screen or report per function, nothing is written here."""
