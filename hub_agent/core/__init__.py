"""Decides. Every room here takes inputs and `now`, and returns effects; none awaits, sleeps or reads a clock."""
