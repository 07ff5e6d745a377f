"""What ``manage.py`` offers: serve, run_executor, submit, execution."""
