"""What ``manage.py`` offers: deploy, function, component."""
