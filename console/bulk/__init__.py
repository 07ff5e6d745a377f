"""One operation on many executions: confirmed with numbers, watched while it goes on, and read about afterwards."""
