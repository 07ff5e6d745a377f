"""Webhooks: where they are mounted, what came in, and having it answered once more."""
