"""Dialects of devices: pure translators. A new dialect is one file here and one line in `registry.py`."""
