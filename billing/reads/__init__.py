"""What people and pages look at, one screen or report per function. Writes nothing."""
