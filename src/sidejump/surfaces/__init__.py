"""Constant-energy shells: where the states of a band structure are sampled, with their weights; band edges."""
