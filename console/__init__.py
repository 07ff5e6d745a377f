"""The console: the admin for the people who run executions, live. Its views stand on the operations of the API."""
