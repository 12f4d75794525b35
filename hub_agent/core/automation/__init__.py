"""Automations: a durable interpreter over data. Runs, holds and waits are JSON that survives a crash.

engine.py       the room's door: definitions in, what happens in, effects and calls out
loading.py      a row of `automations` becomes a program; spelling.py: the form of people's files; reading.py, values.py: the pieces
triggers/       one file per kind, registry.py names them; conditions/, actions/ likewise
exchange.py     who listens to which entity, event, topic; holds (`for:`) and alarms; timers.py: the heap
rules.py        which automations are on; catching up with missed times; references.py: names that the home does not have
running.py      may a run start, is it kept, what is recorded at its end; trace.py: record and story;
                surroundings.py: devices before and after, and the home around
interpreter.py  takes the steps of a run; runs.py: a run as data; signals.py: how a step ends more than itself
calls.py        `automation.*` and `script.*`
world.py        what templates may know of the home; views.py: how they see a state
"""
