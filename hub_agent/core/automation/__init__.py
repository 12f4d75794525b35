"""Automations: a durable interpreter over data. Runs, holds and waits are JSON that survives a crash."""
