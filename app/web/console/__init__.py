"""The console: what staff sees and does, whole without any script."""
