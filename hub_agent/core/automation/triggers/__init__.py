"""What starts a run. One file per kind; `registry.py` names them."""
