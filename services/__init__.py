"""API optimization techniques, each a service with a naive and an optimized variant.

catalog.py lists the techniques, contract.py defines what a technique is.
"""
