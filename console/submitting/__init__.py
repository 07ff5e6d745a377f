"""Starting executions: pick a function, fill in the form that its types give."""
