"""Examples that the help of each command ends with."""

EXAMPLES = {
    "run": (
        "sidejump run my.toml",
        "sidejump run my.toml -o results/my.nc --tolerance 0.005    # refine what is there",
        "sidejump run my.toml --time 3600 --csv my.csv              # no replica is begun after an hour",
        "sidejump run my.toml -o part1.nc --replicas 0:8            # a part of the work, for `sidejump merge`",
    ),
    "merge": (
        "sidejump merge part1.nc part2.nc part3.nc -o whole.nc",
        "sidejump merge part*.nc -o whole.nc --csv whole.csv",
    ),
    "csv": ("sidejump csv my.nc", "sidejump csv my.nc -o table.csv --force"),
    "plot": (
        "sidejump plot my.nc",
        "sidejump plot my.nc --kind scaling -o figure.pdf",
        "sidejump plot my.nc --kind scaling --times 0.1 --times 1 --times 10 --csv densities.csv",
        "sidejump plot gaas.nc --against gaas.trans_coef  # conductivity against Perturbo's",
        "sidejump plot layer.nc --kind temperature --thickness 0.6  # S/cm on the right",
    ),
    "report": ("sidejump report my.nc", "sidejump report my.nc -o report.html --force --no-states"),
    "check": ("sidejump check my.toml",),
    "gauge": ("sidejump gauge my.toml", "sidejump gauge my.toml --gauges 25 --plot gauges.png"),
    "converge": ("sidejump converge my.nc", "sidejump converge my.nc -o error.pdf"),
    "separate": (
        "sidejump separate films.csv",
        "sidejump separate films.csv --law hou --computed results/iron.nc -o hou.nc",
        'sidejump separate raw.csv --hall E_x/j_y --magnetisation -z --column "rho_xx=R long (ohm)"',
    ),
    "figure1": ("sidejump figure1", "sidejump figure1 -o side_jump.pdf"),
    "init": (
        "sidejump init dirac                                        # dirac.toml",
        "sidejump init own -o my.toml                               # and my_model.py, to be changed",
        "sidejump init wannier90 iron.toml -s acoustic_deformation_potential -s impurity",
        "sidejump init epw -                                        # to standard output",
    ),
    "demo": ("sidejump demo", "sidejump demo somewhere --force"),
    "gallery": (
        "sidejump gallery                                           # what there is",
        "sidejump gallery inelastic                                 # sidejump-gallery/inelastic.png",
        "sidejump gallery quick -o pictures --force                 # those of some minutes at most",
    ),
    "models": ("sidejump models",),
    "info": (
        "sidejump info epw_directory",
        "sidejump info Fe_tb.dat --json",
        'sidejump info Fe_hr.dat --cell "2.87 0 0; 0 2.87 0; 0 0 2.87"',
        "sidejump info gaas_epr.h5 --figure decay.png",
        "sidejump info my.nc                                        # a result: what it is and is good for",
        "sidejump info my.nc.partial                                # what an interrupted run has left",
    ),
    "convert": (
        "sidejump convert epw_directory iron.h5                     # the compact form",
        "sidejump convert iron.h5 iron_epr.h5 --lossy               # Perturbo's",
        "sidejump convert gaas_epr.h5 gaas_epw --prefix gaas        # EPW's files",
    ),
    "symmetrize": (
        "sidejump symmetrize iron.toml -o Fe_symmetric_tb.dat.gz",
        "sidejump symmetrize iron_epw.toml -o iron.h5               # electrons, phonons and coupling",
    ),
    "input-reference": ("sidejump input-reference > input.md",),
}


def epilog(command: str) -> str:
    """The last paragraph of the help of a command, its lines as they are."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in EXAMPLES[command])])
