"""An example of a Django app with durable activities, and of the workflow that calls them."""
