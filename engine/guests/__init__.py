"""Components written as source files, and the runtimes (interpreters in the sandbox) that carry them out."""
