"""The command-line client: ``obelisk``, on top of the REST API of this server or of Obelisk's own.

`main` is the entry point, `api` the connection, one ``*_commands`` module a group of verbs. Nothing here knows Django
or the engine: the client runs wherever the server can be reached, and what needs no server but the program is asked of
this installation's ``manage.py`` (`installation`).
"""

from __future__ import annotations
