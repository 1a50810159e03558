"""How good is it, and where is it not to be trusted."""
