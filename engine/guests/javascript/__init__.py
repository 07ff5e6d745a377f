"""JavaScript source components: their runtime, and what it may ask besides what every runtime may."""
