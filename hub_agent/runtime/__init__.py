"""The heartbeat: takes what has happened, lets the core decide, stores it, then does it."""
