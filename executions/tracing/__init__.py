"""Traces of executions, made from what is stored about them, for collectors that speak OpenTelemetry's protocol."""
