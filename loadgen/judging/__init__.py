"""From evidence to what may be said of it. Pure: the same evidence, the same verdict."""
