"""The product over HTTP: hooks of payment providers, the API, pages for people, health."""
