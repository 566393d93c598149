"""The chassis: the code that every service and the gateway share.

application.py assembles an application, serve.py runs it, handler_wrapper.py wraps its handlers.
"""
