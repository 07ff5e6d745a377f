"""What people do to an execution: each operation with a form, a reason, and a record of who did it."""
