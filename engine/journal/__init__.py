"""What the engine needs from storage: the records it exchanges, the rules of a commit, and the protocol."""
