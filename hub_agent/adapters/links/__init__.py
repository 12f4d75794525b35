"""Links: connections that dialects keep up by themselves, beside the broker. Each dialect runs in a process of its own (`host.py`), so that
one that hangs, floods or cannot be loaded hurts nobody else.
"""
