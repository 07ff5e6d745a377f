"""Human tasks: an inbox of open stubs, and the form in which one is answered."""
