"""What is started by the clock: when it is next, what came of it last, and stepping in."""
