"""What the database holds, and what is deleted when."""
