"""One operation on many executions that goes on while people look at something else, and survives the process."""
