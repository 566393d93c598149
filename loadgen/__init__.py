"""The load generator: measures HTTP endpoints and compares them with confidence intervals."""
