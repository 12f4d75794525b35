"""Whether a rule can still do what it is for: found by looking at its definition, at the home and at how its runs went.

False alarms are worse than misses: what is told must be certain from what is known, and what a template gives is not known.
`room.py` says when a rule is looked at; `verdict.py` what becomes of what was found.
"""
