"""The trace timeline of an execution: the tree of everything that it started and awaits, as bars over time.

The server keeps the tree of an execution for a moment (`snapshots`), decides which rows and which time are in sight
(`rows`, `axis`), reads what happened to those alone (`reading`), and answers with numbers (`geometry`): never more than
fits on a screen, however large the tree is.
"""
