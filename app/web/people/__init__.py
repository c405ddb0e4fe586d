"""Pages of people who sign in: the door, one's own sign-ins, and for the owner everybody's."""
