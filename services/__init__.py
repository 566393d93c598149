"""Seven API optimization techniques, each its own service with a naive and an optimized route."""
