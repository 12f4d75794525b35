"""The page and the JSON API. They see and do only what ports.Door offers."""
