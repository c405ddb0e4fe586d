"""The operations page: served to a browser on this machine, whole without any script."""
