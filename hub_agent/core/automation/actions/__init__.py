"""What a run does, step by step. One file per kind; `registry.py` names them."""
