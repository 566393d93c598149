"""What a run leaves behind, and all that a verdict is computed from."""
