"""What is started by the clock, as this site runs it and as people see it."""
