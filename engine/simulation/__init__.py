"""Executors without threads or real time, for those who test what runs on the engine: one seed, one run."""
