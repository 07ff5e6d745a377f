"""The parts of an execution that are shown row by row: events, log lines, HTTP requests, responses.

However many rows there are, a page holds a window of them; more are read where somebody looks.
"""
