"""Everything that changes MiniStack or touches its internals: the folder to read when its version changes."""
