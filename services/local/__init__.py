"""The lab without Docker: PostgreSQL and Valkey from PyPI wheels, every process supervised.

stack.py starts the lab; __main__.py is its command line.
"""
