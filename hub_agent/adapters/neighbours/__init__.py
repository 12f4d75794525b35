"""Who announces itself on the local network. `browser.py` is the door; all listening is done in a process of its own (`host.py`), because
anybody on the network can make it hear as much as they like: a flood costs that process its time, and not the home.
"""
