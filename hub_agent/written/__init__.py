"""What people write as text: YAML in which every value knows its line, and rules as such text."""
