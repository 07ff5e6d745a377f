"""What people and clients do with executions, a module each; API, admin and commands call the same functions."""

from __future__ import annotations
