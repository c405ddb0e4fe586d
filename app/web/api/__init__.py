"""The API under /api/v1: one file per noun; each declares its routes and the shapes it answers."""
