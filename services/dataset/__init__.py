"""The data set: a deterministic blog with authors, posts, comments and tags.

generator.py makes the rows, bulk_load.py loads them, posts.py reads them for the services.
"""
