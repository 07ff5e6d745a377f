"""WIT in Python: types, names, type expressions, JSON values and WIT text. Pure: no clock, no I/O, no wasm."""
