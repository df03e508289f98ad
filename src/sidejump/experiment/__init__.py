"""Measured resistivities of films: read, inverted, separated into skew scattering and the remainder."""
