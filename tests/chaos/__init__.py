"""A package, so that pytest takes its sites down behind the last of its tests."""
