"""What must hold. One file per kind; `registry.py` names them."""
