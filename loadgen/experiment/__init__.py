"""Run experiments: compare arms with the same inputs, in interleaved blocks of load."""
