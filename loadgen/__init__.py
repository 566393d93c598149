"""The load generator: interleaved experiments, checked answers, ratios with intervals."""
