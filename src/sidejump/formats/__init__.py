"""Files of Wannier90, EPW, Perturbo, Quantum ESPRESSO and our own: read, written, and told apart (`recognise`)."""
