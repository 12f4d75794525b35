"""Zigbee2MQTT itself, on a simulated radio (`radio.cjs`): everything above the radio is the real program."""
