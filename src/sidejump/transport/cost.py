"""States, pairs, memory, operations and time of a run, estimated on its shells, or a coarse one, before it starts.

Memory is that of the largest of the stages: what is held for each state (Bloch vectors, factors of first-principles
vertices), the pairs kept for further temperatures, the collision operator and what its solution takes beside it; or the
states of the fine shell of the hot spots beside those of the solved one.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

import numpy as np

from ..bands.states import shell_states
from ..kinetics.solve import DENSE_LIMIT
from ..pairs.block import pair_bytes
from ..pairs.near import BLOCK, near_pairs
from ..threads import THREADS, one_matrix_thread
from ..units import KB
from .fermi_surface import COARSER, MOST_ON_ALL, chosen, nodes_to_hold
from .geometry_choice import WINDOW, choose_geometries, is_crystal, no_critical_energy
from .own import OwnShells
from .pace import pace
from .problem import Problem
from .shared import PASS, SharedShell, block_size, cluster_size, operator_bytes
from .skew import skew_bytes
from .term import by_spacing
from .windowed import LEVELS, IndependentShells

# measured on cores at 3 GHz; times of a machine are those times its pace
_PER_TEMPERATURE = 6e-9  # kernel of a pair and channel at one temperature, one core
_WASTE = 1.6  # pairs in blocks that reach over the cutoff
_CELLS = 1.5  # that a surface passes through, in units of its area over that of a face
_BEYOND = 1.5  # times the memory: what the points counted on a cheap shell need beyond that is refused at once
_NODES = 5  # energy nodes that "auto" mostly ends at, which the time is that of
_MOST_NODES = 9  # and those that it hardly ever goes beyond, which the memory is that of
_RAISED = {False: (1, 3, 5, 7), True: (3, 5, 7, 9)}  # the sequence of own shells; near a band edge
_PER_FUNCTIONS = 2e-8  # seconds for each pair and two functions of the energy that it joins
_DENSE = 4e-10  # seconds for each unknown cubed of a factorisation
_ITERATED = 4e-9  # seconds for each byte of an operator, all iterations
_SAMPLE = 1500  # states by which the load of all is told
_PLANES = 6  # arrays of the size of a block that a thread works with, at most, for each pair of components
_PARTED = 1.5  # clusters of points, in terms of those of the most points that one may have
_KERNEL = 12  # operations for each pair and channel at one temperature: products with kernel, sums


def estimate_cost(problem: Problem, temperatures, geometry: list[str] | None = None) -> dict:
    """States, pairs, bytes, operations and seconds of the kinetic part; printed before a run.

    Parameters
    ----------
    problem : Problem
    temperatures : ndarray, shape (nT,)
        K.
    geometry : list of str, optional
        Of each temperature, where it has been chosen (:func:`.geometry_choice.choose_geometries`).

    Raises
    ------
    InputError
        If there is no state at the chemical potential, or a stage of any temperature does not fit into the memory.
    """
    temperatures = np.asarray(temperatures, dtype=float)
    if geometry is None:
        refuse_early(problem, temperatures)
        with one_matrix_thread():
            geometry, _ = choose_geometries(problem, temperatures)
    apart, own = (np.array([kind == which for kind in geometry], dtype=bool) for which in ("independent", "own"))
    rest = ~apart & ~own
    with one_matrix_thread():
        total = _Sum()
        if own.any():
            total.add(_own(problem, temperatures[own]))
        if rest.any():
            total.add(_shared(problem, temperatures[rest], averaged="averaged" in geometry))
        if apart.any():
            total.add(_independent(problem, temperatures[apart]))
    return total.report(len(temperatures))


def _independent(problem: Problem, temperatures) -> _Sum:
    """Shells made afresh over the thermal window: as many as the first looks take, each as long as one of them."""
    found, d = _Sum(), problem.model.dimension
    inelastic = problem.settings.energy_nodes != 1 and not problem.elastic_only
    nodes = _nodes(problem) if inelastic else 1
    functions = (nodes + 1) // 2
    spacings = [problem.spacings.at(t) if d == 2 else problem.spacings.base for t in temperatures]
    density = problem.window_density(KB * float(temperatures.max()))
    for spacing in sorted(set(spacings), reverse=True):
        here = sorted(float(t) for t, h in zip(temperatures, spacings, strict=True) if h == spacing)
        kt = KB * max(here)
        windows = [IndependentShells(problem, KB * t, problem.critical(KB * t), density) for t in here]
        once, shell, solver = _searched(problem, windows[-1].a_shell, kt)
        load, per_pair = _Load(problem, shell), solver.seconds_per_pair(kt)
        fine = 0
        if problem.refines:
            longer, fine_shell = _timed(
                lambda energy=shell.energy: problem.fine_shell(energy, problem.spacings.base, fewer=1)
            )
            once, fine = once + longer, 0 if fine_shell is shell else len(fine_shell)
        coarse_once, coarse, coarse_solver = once, shell, solver
        if inelastic and d == 3:
            coarse_once, coarse, coarse_solver = _searched(problem, lambda w=windows[-1]: w.a_shell(coarse=True), kt)
        for t, window in zip(here, windows, strict=True):
            pairs = solver.pairs_within(KB * t)[0] / load.channels
            operator, images = solver.needs(KB * t, 1), solver.sample.images
            problem.check_memory(operator, t)
            hot = 2.0 * pairs * fine / len(shell)
            each = once + (pairs + hot) * per_pair + _solving(solver.unknowns(1), operator)
            number = window.expected_shells()
            found.seconds += number * each
            found.flops += number * (pairs + hot) * (load.flops + load.channels * _KERNEL)
            components = 3 if d == 3 and images > 1 else 1
            work = _solution(len(shell), components, 1) + load.work
            found.memory = max(found.memory, load.bytes(images * len(shell) + fine) + operator + work)
            found.states = max(found.states, images * max(len(shell), fine))
            found.pairs = max(found.pairs, 2 * pairs)
            if inelastic:
                pairs = coarse_solver.pairs_within(KB * t)[0] / load.channels
                operator = coarse_solver.needs(KB * t, nodes)
                problem.check_memory(operator, t, "energy nodes")
                most = _functions(
                    problem, functions, lambda n, kt=KB * t, solver=coarse_solver: solver.needs(kt, 2 * n - 1)
                )
                each = coarse_once + 2.0 * pairs * per_pair + pace() * _PER_FUNCTIONS * pairs * functions**2
                each += _solving(coarse_solver.unknowns(functions), operator)
                found.seconds += window.pieces * LEVELS[0] * each
                work = _solution(len(coarse), components, most) + load.work
                operator = coarse_solver.needs(KB * t, 2 * most - 1)
                found.memory = max(found.memory, load.bytes(images * len(coarse)) + operator + work)
    return found


def _searched(problem: Problem, make, kt: float):
    """Processor time of a shell and of what its points need before pairs are computed; shell and solver."""
    search, shell = _timed(make)
    prepare, solver = _timed(lambda: SharedShell(problem, shell, kt))
    return search + prepare, shell, solver


def _timed(make):
    """Processor time that `make` takes, and what it returns."""
    started = time.process_time()
    made = make()
    return time.process_time() - started, made


@dataclass
class _Sum:
    """What the stages of a run take: the most memory and states of any, time and operations of all."""

    states: float = 0.0
    pairs: float = 0.0
    memory: float = 0.0
    least: float = 0.0  # memory that it makes do with: pairs made anew, one energy node on all points
    flops: float = 0.0
    seconds: float = 0.0

    def add(self, other: _Sum) -> None:
        self.least = max(self.least, other.least or other.memory)
        for name in ("states", "pairs", "memory"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))
        for name in ("flops", "seconds"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def report(self, count: int) -> dict:
        return {
            "temperatures": count,
            "states": int(self.states),
            "pairs": float(self.pairs),
            "memory_bytes": float(self.memory),
            "least_bytes": float(self.least or self.memory),
            "flops": float(self.flops),
            "seconds": float(self.seconds),
        }


def _own(problem: Problem, temperatures) -> _Sum:
    """Shells of their own, from the shells that the run starts from and the time that a few of their pairs take."""
    found = _Sum()
    wanted = problem.settings.energy_nodes
    for spacing, members in by_spacing(problem, temperatures, whole=True):
        here = temperatures[members].tolist()
        hottest = KB * max(here)
        shell = problem.shell(problem.carriers(hottest).energy, spacing, whole=True)
        own = OwnShells(problem, shell, hottest)
        load = _Load(problem, shell)
        distances, q_max = _distances(problem, own.shell), problem.q_max(own.shell.k)
        first = 3 if wanted == "auto" else int(wanted)
        per_pair = own.seconds_per_pair(hottest, first)
        problem.check_memory(own.needs(hottest, first), max(here))
        for t in here:
            within = float(np.mean(distances <= max(problem.cuts(KB * t, q_max))))
            sequence = _RAISED[own.near_edge(KB * t)] if wanted == "auto" else (first,)
            last = sequence[-1]
            for n in (*sequence, *(range(last + 2, _MOST_NODES + 1, 2) if wanted == "auto" else ())):
                points = own.points(KB * t, n) * own.nodes_of_rates(KB * t, n)
                pairs = 0.5 * points**2 * min(1.0, _WASTE * within)
                operator = 8.0 * pairs
                if n > sequence[0] and operator > problem.settings.memory:
                    break  # as the run does
                unknowns = own.points(KB * t, n) * n
                if n <= last:
                    found.seconds += pairs * per_pair + _solving(unknowns, operator)
                    found.flops += pairs * (load.flops + load.channels * _KERNEL)
                found.states, found.pairs = max(found.states, points), max(found.pairs, 2 * pairs)
                # the rates, beside the operator of the fewer functions that the distribution is a combination of
                fewer = operator * (n / own.nodes_of_rates(KB * t, n)) ** 2
                solution = operator + (fewer if fewer < operator else 0.0) + _solution(unknowns, 1, 1)
                held = max(solution, skew_bytes(problem, shell, own.points(KB * t, n), KB * t))
                needed = load.bytes(points) + held + load.work
                found.memory = max(found.memory, needed)
                if n <= last:
                    found.least = max(found.least, needed)
    return found


def _solving(unknowns: float, operator: float) -> float:
    """Seconds of a solution: a factorisation, or iterations that read the operator (bytes)."""
    return pace() * (_DENSE * unknowns**3 if unknowns <= DENSE_LIMIT else _ITERATED * operator)


def _shared(problem: Problem, temperatures, *, averaged: bool) -> _Sum:
    """One shell for all energies, from the shells themselves, which every replica searches anew; symmetry is known.

    `averaged`: whether there are those of the thermal window as well.
    """
    operations, d, memory = problem.operations, problem.model.dimension, problem.settings.memory
    images, fold = 1 if operations is None else len(operations), problem.fold(operations)
    functions = (_nodes(problem) + 1) // 2
    m = functions if d == 2 else 1
    load = None
    per_pair = sum(source.seconds_per_pair for source in problem.sources) / THREADS
    found, coarsest = _Sum(), max(problem.spacings.at(t) for t in temperatures)
    for spacing, members in reversed(by_spacing(problem, temperatures)):  # what may be refused first
        here = temperatures[members].tolist()
        hottest = max(here)
        search, shell = _timed(lambda spacing=spacing: problem.solved_shell(problem.mu, spacing))
        load = load or _Load(problem, shell)  # of the finest
        count = len(shell)
        pairs, points, kept = _Reach(problem, shell, KB * hottest).at(hottest)
        plain_operator, with_anomalous = (operator_bytes(points, m, fold, d, check=check) for check in (False, True))
        problem.check_memory(plain_operator, hottest)
        operator = with_anomalous if problem.refines and with_anomalous <= memory else plain_operator
        most_here = _functions(problem, m, partial(operator_bytes, points, fold=fold, dimension=d)) if d == 2 else 1
        most_operator = operator_bytes(points, most_here, fold, d)
        more, first, first_operator = 0.0, 1, operator
        if d == 3 and functions > 1:
            few, first = _few(here), min(functions, (MOST_ON_ALL + 1) // 2)
            first_operator = operator_bytes(points, first, fold, d)
            if first_operator > memory:
                first, first_operator = 1, operator
            else:
                more += len(few) * pairs * (first**2 - 1)
            for t in few:
                found.seconds += _solving(fold.width * count * first, first_operator * (t / hottest) ** 2)
            if functions > first:  # refused before the search for finer shells
                seconds, needed, work = _further(problem, load, here, few, functions, lost=first == 1)
                found.seconds += seconds
                found.memory = max(found.memory, needed)
                more += work
        found.seconds += pace() * _PER_FUNCTIONS * more
        kept = kept if len(here) > 1 and problem.keeps(kept, operator) else 0.0
        together = 1 if kept else min(len(here), max(1, int(PASS * problem.allowed / operator)))
        passes = 1 if kept else int(np.ceil(len(here) / together))
        held = load.bytes(images * count)
        solution = _solution(count, fold.width, m)
        stages = [held + kept + together * operator + solution]
        for size, needed in ((most_here, most_operator), (first, first_operator)):
            beside = kept if problem.keeps(kept, needed) else 0.0
            stages.append(held + beside + needed + _solution(count, fold.width, size))
        # after the solution, whose operator is gone
        stages.append(held + kept + skew_bytes(problem, shell, images * count, KB * hottest))
        found.least = max(found.least, held + plain_operator + solution + load.work)
        once, fine_shell = _timed(
            lambda shell=shell, spacing=spacing: problem.fine_shell(problem.mu, spacing) if problem.refines else shell
        )
        found.seconds += (WINDOW if averaged and spacing == coarsest else 1) * (search + once)
        fine = 0 if fine_shell is shell else len(fine_shell)
        hot = fine * count * images * min(1.0, 2 * pairs / (images * count**2))
        if problem.refines:
            stages.append(held + load.bytes(fine))
        most = max(m, first)
        found.states = max(found.states, images * count * most)
        found.pairs = max(found.pairs, 2 * pairs * most**2)
        found.memory = max(found.memory, max(stages) + load.work)
        total = pairs * passes + hot
        # the thermal window takes as much again as a third
        found.seconds += pace() * 1.3 * total * (per_pair + _PER_TEMPERATURE * load.channels * len(here) / THREADS)
        found.seconds += pace() * _PER_FUNCTIONS * pairs * (m**2 - 1) * len(here)
        found.seconds += sum(_solving(fold.width * count * m, operator * (t / hottest) ** 2) for t in here)
        found.flops += total * load.flops
        found.flops += (total * m**2 * len(here) + more) * load.channels * _KERNEL
    return found


def _further(
    problem: Problem, load: _Load, temperatures: list[float], few: list[float], functions: int, *, lost: bool
) -> tuple[float, float, float]:
    """Of further energy nodes at a few temperatures, on a shell with fewer points: seconds without those of the pairs,
    bytes, and pairs times what they are for each (:data:`_PER_FUNCTIONS`)."""
    hottest, fold = max(temperatures), problem.fold(problem.operations)
    coarse = problem.laid(COARSER, problem.settings.replica, ahead=True)
    once, shell = _timed(lambda: _fewer(coarse, temperatures, lost=lost))
    pairs, points, kept = _Reach(coarse, shell, KB * hottest).at(hottest)
    operator = operator_bytes(points, functions, fold, 3)
    problem.check_memory(operator, hottest, "energy nodes")
    most = _functions(problem, functions, partial(operator_bytes, points, fold=fold, dimension=3))
    largest = operator_bytes(points, most, fold, 3)
    images = 1 if problem.operations is None else len(problem.operations)
    held = load.bytes(images * len(shell)) + (kept if problem.keeps(kept, largest) else 0.0) + largest
    seconds = once + len(few) * _solving(fold.width * len(shell) * functions, operator)
    needed = held + _solution(len(shell), fold.width, most) + load.work
    return seconds, needed, len(few) * pairs * functions**2


def _fewer(coarse: Problem, temperatures: list[float], *, lost: bool):
    """The shell of the further energy nodes, as :mod:`.fermi_surface` chooses it."""
    spacing, wanted = min(map(coarse.spacings.at, temperatures)), coarse.settings.energy_nodes
    if lost:
        good = coarse.solved_shell(coarse.mu, spacing)
        points = _Reach(coarse, good, KB * max(temperatures)).at(max(temperatures))[1]
        needed = operator_bytes(points, (nodes_to_hold(wanted) + 1) // 2, coarse.fold(good.operations), 3)
        if needed <= coarse.settings.memory:
            return good
    return coarse.inelastic_shell(spacing)


def _few(temperatures: list[float]) -> list[float]:
    """Those at which several energy nodes are solved, as :mod:`.fermi_surface` takes them."""
    t = np.array(sorted(temperatures, reverse=True))
    return t[chosen(t, list(range(len(t))))[1]].tolist()


def refuse_early(problem: Problem, temperatures) -> None:
    """Refuse, coldest first, what a cheap shell shows to be beyond memory by far, before any finer one is searched for.

    A surface of area A passes through about 1.5 A / h^2 cells; splits at hot spots come on top.

    Raises
    ------
    InputError
    """
    settings = problem.settings
    if not is_crystal(problem.model) or settings.geometry not in ("auto", "shared"):
        return
    if problem.near_edge(KB * float(temperatures.max())):
        return
    temperatures = [t for t, far in zip(temperatures, no_critical_energy(problem, temperatures), strict=True) if far]
    if not temperatures:
        return
    shell = problem.coarse_shell(problem.mu)
    area = float(shell.patch.sum())
    nearest, q_max = _nearest(problem, shell), problem.q_max(problem.momentum.first_zone(shell.k))
    nodes = (_nodes(problem) + 1) // 2 if settings.energy_nodes != "auto" else 1  # "auto" makes do with fewer
    for t in sorted(temperatures):
        points = _CELLS * area / problem.spacings.at(t) ** 2
        pairs = 0.5 * points**2 * float(np.mean(nearest <= max(problem.cuts(KB * t, q_max))))
        for size, what in ((1, "pairs"), (nodes, "energy nodes")):
            needed = operator_bytes(pairs * (1.0 if size == 1 else COARSER**4), size, problem.fold(shell.operations), 3)
            if needed > _BEYOND * problem.allowed:
                problem.check_memory(needed, t, what)


def _nearest(problem: Problem, shell) -> np.ndarray:
    """Shortest momentum transfers between a sample of the points of a shell and any images of some others."""
    start = problem.momentum.first_zone(shell.k[:: max(1, len(shell) // 300)])
    turns = np.eye(3)[None] if shell.operations is None else shell.operations.matrices
    lengths = [
        problem.momentum.lengths(start, problem.momentum.first_zone(start @ m.T), problem.momentum.images, single=True)
        for m in turns
    ]
    return np.min(lengths, axis=0)


def _functions(problem: Problem, usual: int, needs) -> int:
    """Functions of the energy at the most nodes that the run may go to: with "auto" those that memory holds.

    ``needs(n)``: bytes of the operator with n of them; `usual`: those of the nodes that it mostly ends at.
    """
    if problem.elastic_only or problem.settings.energy_nodes != "auto":
        return usual
    more = range(usual + 1, (_MOST_NODES + 1) // 2 + 1)
    return max((n for n in more if needs(n) <= problem.settings.memory), default=usual)


def _nodes(problem: Problem) -> int:
    if problem.elastic_only:
        return 1
    return _NODES if problem.settings.energy_nodes == "auto" else int(problem.settings.energy_nodes)


class _Load:
    """What each state and pair of a problem takes, told by some states of a shell and their images."""

    def __init__(self, problem: Problem, shell):
        rng = np.random.default_rng(0)
        chosen = rng.integers(0, len(shell), _SAMPLE) if len(shell) > _SAMPLE else np.arange(len(shell))
        k = shell.k[chosen]
        if shell.operations is not None:
            turns = shell.operations.matrices
            chosen = rng.integers(0, len(shell), _SAMPLE)
            k = np.einsum("sab,sb->sa", turns[rng.integers(0, len(turns), _SAMPLE)], shell.k[chosen])
        k = problem.momentum.first_zone(k)
        states = shell_states(problem.model, k, shell.band[chosen], problem.settings.degeneracy, problem.multiplets)
        states = states.along(problem.shift_directions(shell.operations))
        arrays = (states.k, states.energy, states.velocity, states.vectors, states.covariant)
        self._bytes_per_state = sum(x.nbytes for x in arrays) / len(states)
        self._loads = [source.load(states) for source in problem.sources]
        self.work = THREADS * max(x.work_bytes for x in self._loads)
        self.flops = sum(x.flops_per_pair for x in self._loads)
        self.channels = sum(source.channels for source in problem.sources)

    def bytes(self, states: float) -> float:
        """Held for so many states."""
        return states * self._bytes_per_state + sum(x.held(states) for x in self._loads)


class _Reach:
    """Pairs of the points of a shell and their images."""

    def __init__(self, problem: Problem, shell, hottest: float):
        self._problem, self._shifts = problem, problem.shifts(shell.operations)
        self._near = near_pairs(problem.momentum, shell, block_size(problem, shell, hottest))
        self._q_max = problem.q_max(self._near.k)

    def at(self, temperature: float) -> tuple[float, float, float]:
        """Pairs with images, pairs of points alone, and bytes of the former where they are kept."""
        cuts = self._problem.cuts(KB * temperature, self._q_max)
        pairs, points = self._near.count(self._problem.sources, cuts)
        channels = sum(source.channels for source in self._problem.sources)
        return pairs / channels, points, pair_bytes(self._shifts) * pairs


def _solution(points: float, width: int, functions: int) -> float:
    """Bytes beside the operator for `width` components and so many functions of the energy at each point."""
    components = width * functions
    unknowns, block = points * components, min(BLOCK, points)
    work = 4.0 * THREADS * block**2 * min(_PLANES * components**2, _PLANES**2 + 2 * components**2)
    if unknowns <= DENSE_LIMIT:
        return max(work, 8.0 * unknowns**2)
    clusters = min(points, _PARTED * points / cluster_size(width, int(points)))
    return max(work, 16.0 * (clusters * components) ** 2)


def _distances(problem: Problem, shell) -> np.ndarray:
    """Momentum transfers between a sample of the points of a whole shell and all of them."""
    k = problem.momentum.first_zone(shell.k)
    start = k[:: max(1, len(k) // 300)]
    return problem.momentum.lengths(start, k, problem.momentum.images, single=True)
