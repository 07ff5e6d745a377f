"""Deterministic simulation: whole executors with all their threads; a seed drives scheduler and clock."""
