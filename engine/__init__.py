"""The machine itself: durable workflows over components, a journal and a clock. Knows no Django."""
