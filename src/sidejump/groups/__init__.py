"""The operations of a crystal: found, tested, represented on orbitals, and what they allow."""
