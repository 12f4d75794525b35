"""An ESPHome node of ESPHome's own firmware, compiled on the spot for this machine (`node.yaml`), and an encrypted door in front of it."""
