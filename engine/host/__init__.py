"""What guests may import: the obelisk interfaces, and the functions of other components."""
