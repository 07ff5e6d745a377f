"""Components written as ``.py`` files."""
