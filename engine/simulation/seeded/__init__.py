"""Deterministic simulation: whole executors with all their threads, under a scheduler and a clock that a seed drives."""
