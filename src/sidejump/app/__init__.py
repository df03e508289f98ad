"""Command line, input file, results and figures: sits on top of the physics, which knows nothing of it."""
