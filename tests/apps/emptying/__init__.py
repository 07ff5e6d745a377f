"""A Django app with the command that empties the database between tests."""
