"""The fault simulation: agent, cloud and devices under virtual time, from a seed."""
