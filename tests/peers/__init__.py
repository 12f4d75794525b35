"""Real devices, bridges and servers that nobody on the project wrote, for tests against them. One folder or file a peer."""
