"""Executors: who is there, what they hold, and who takes over from those that are silent."""
