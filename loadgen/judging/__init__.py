"""Computes the judgement from evidence. Pure: the same evidence gives the same verdict."""
