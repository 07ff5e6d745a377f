"""The SQL behind `engine.journal`: the only code that writes executions, events, responses and delays."""
