"""What may be wrong with a site, and why, and how to put it right: `manage.py doctor`."""
