"""/portal/: a subscriber's own pages, phone first, without scripts; nobody sees another's."""
