"""The linearised Boltzmann equation on shells: pairs of states, collision operator, sources, solution, response."""
