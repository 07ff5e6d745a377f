"""Live pages: a page says what it shows and how far it is; the server sends what came behind that, read from the rows.

Connecting and connecting again are the same act, so nothing is lost or doubled when the connection breaks. Messages
between processes are hints to look, never data.
"""
