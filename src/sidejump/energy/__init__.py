"""Functions of energy on a shell: basis, quadrature, map to the nodes, and the kernel of scattering events."""
