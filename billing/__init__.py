"""Who owes what and who may watch what. Knows no device, no panel and no vendor's words."""
