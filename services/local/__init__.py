"""The lab without Docker: PostgreSQL and Valkey from PyPI wheels, every process supervised."""
