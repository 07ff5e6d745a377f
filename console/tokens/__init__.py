"""Tokens of the API: people make their own, and administrators see to all."""
