"""Deployments: history, what differs, rehearsals, and choosing the one that runs."""
