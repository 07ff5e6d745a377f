"""Pages of executions: the list, and what there is to know about one."""
