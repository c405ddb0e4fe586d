"""What must be true of the source itself: who imports whom, banned calls, words and sizes."""
