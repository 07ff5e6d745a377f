"""How long finished executions are kept."""
