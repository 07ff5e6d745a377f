"""Metrics in Prometheus' form: of the whole site from its database, and of each executor from its process."""
