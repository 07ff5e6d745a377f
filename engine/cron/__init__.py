"""Schedules: when what comes round is due (pure)."""
