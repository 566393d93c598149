"""Benchmarks of the lab's own code; techniques/ has those of the techniques."""
