"""The gateway: one address in front of all services."""
