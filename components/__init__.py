"""Components, their functions and the deployments that activate them: from ``deployment.toml`` to the database."""
