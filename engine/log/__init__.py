"""The vocabulary of the event log: ids, events, their stored form, and the fold that gives the state.

Pure: time and randomness come in as arguments.
"""
