"""What is deployed, as plain data: components, their functions, policies, and the registry that finds them."""
