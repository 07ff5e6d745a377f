"""HTTP from a guest to the outside: what may go out, where its host is, and the exchange itself."""
