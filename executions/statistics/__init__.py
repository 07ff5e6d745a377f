"""What went on, as numbers: how many executions ended how and when, how long they took, how the database grows."""
