"""The canonical tables: what they are, how anybody's files become them, how they are opened."""
