"""Every route of the app, also those that its description leaves out."""
