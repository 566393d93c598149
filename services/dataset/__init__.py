"""One deterministic data set, the classic blog: authors, posts, comments, tags."""
