"""The debugger: a workflow at each of its recorded events, with the source line, the call stack and the variables."""
