"""Who did what: every operation of people and programs, on executions, deployments and the site."""
