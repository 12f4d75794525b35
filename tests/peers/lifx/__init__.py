"""LIFX devices as lifx-emulator plays them."""
