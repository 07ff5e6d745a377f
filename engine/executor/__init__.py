"""The executor: locks pending executions, runs them on threads, and writes what they did."""
