"""Objects of neighbouring programs as models, structures and phonons; none of these programs is imported."""
