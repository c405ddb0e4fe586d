"""The product over HTTP: hooks of payment providers, the API, the console, health."""
