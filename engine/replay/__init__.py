"""Running workflows against their recorded histories without effects: what would be written is captured instead."""
