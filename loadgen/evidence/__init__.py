"""The stored results of a run: everything that a judgement is computed from."""
