"""What is deployed: components, their WIT, source, access and limits."""
