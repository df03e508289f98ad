"""The linearised Boltzmann equation on shells: collision operator, its solution and the response."""
