"""How wrong a result is: replicas, levels, terms with errors, and what brings their sum to a tolerance."""
