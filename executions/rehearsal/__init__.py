"""What a deployment would mean for what is under way, before anything changes."""
