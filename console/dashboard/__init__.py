"""The first page: does it run, is anything wrong, who must act."""
