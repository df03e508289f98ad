"""Electron models: providers of H(k), its derivatives and the position matrix; eigenstates; k and q in the zone."""
