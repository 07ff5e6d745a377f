"""Who may use the API: tokens for programs, groups for people, and how often each may ask."""

from __future__ import annotations
