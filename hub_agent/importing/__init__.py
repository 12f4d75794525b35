"""Reads a folder of Home Assistant's configuration into definitions of this hub, and says of each rule whether it runs here.

It reads files and decides nothing about the home: what it gives is plain definitions, and reasons with file and line.
"""
