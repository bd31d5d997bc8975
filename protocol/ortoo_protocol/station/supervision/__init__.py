"""Supervision as both hub and station keep it: facts, leads, notices, submissions, evaluation.

What differs is whom they supervise and what they can count: `port.Sources`, handed in.
"""
