"""What results are compared with: formulas that do not use the package's machinery, and the figure of the paper.

* :mod:`~sidejump.reference.dirac`: quasi-elastic massive Dirac model (eqs 16-21, B1-B5), impurities;
* :mod:`~sidejump.reference.dirac_exact`: the exact inelastic equation of the isotropic Dirac model;
* :mod:`~sidejump.reference.bloch_gruneisen`: resistivity of a spherical Fermi surface;
* :mod:`~sidejump.reference.figure1`: the exact curve of the first figure of the paper, by the whole machinery.
"""
