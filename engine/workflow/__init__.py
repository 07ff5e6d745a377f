"""Deterministic workflow logic: history, join sets, random values, and the run that replays and records.

Pure: no clock, randomness, threads or I/O; what a run needs from outside comes through `engine.workflow.port`.
"""
