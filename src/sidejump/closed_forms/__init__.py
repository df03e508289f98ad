"""Formulas that do not use the package's machinery: references for tests and figures.

* :mod:`~sidejump.closed_forms.dirac`: quasi-elastic massive Dirac model (eqs 16-21, B1-B5), impurities;
* :mod:`~sidejump.closed_forms.dirac_exact`: the exact inelastic equation of the isotropic Dirac model;
* :mod:`~sidejump.closed_forms.bloch_gruneisen`: resistivity of a spherical Fermi surface.
"""
