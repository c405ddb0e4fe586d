"""The whole product through its edges: files, command line, HTTP."""
