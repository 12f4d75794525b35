"""Arrivals by NATS JetStream, for operators whose hubs send faster than one database writes: gateways put, writers take out."""
