"""Doors to the outside: each fills a port and translates what goes wrong there."""
