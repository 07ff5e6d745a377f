"""Executions, their logs, responses, delays and log lines; whoever looks at, starts or drives them."""
