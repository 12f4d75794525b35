"""The nouns of the home: frozen values that pass between rooms."""
