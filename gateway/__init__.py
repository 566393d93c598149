"""The gateway: one address in front of all services.

app.py adds the routes, proxy.py forwards requests, replicas.py resolves the services' addresses.
"""
