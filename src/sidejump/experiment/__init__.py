"""Measured resistivities of films: read, inverted, and separated into skew scattering and what does not depend on it."""
