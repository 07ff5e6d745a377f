"""One attempt at an activity, and what follows from how it went."""
