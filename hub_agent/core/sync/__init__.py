"""What the hub owes the cloud and what the cloud decides for the hub. SPEC.md lists the states, inputs and invariants."""
