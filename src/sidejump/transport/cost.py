"""States, pairs, memory, operations and time of a run, estimated on its shells, or a coarse one, before it starts.

Memory is that of the largest of the stages: what is held for each state (Bloch vectors, factors of first-principles
vertices), the pairs kept for further temperatures, the collision operator and what its solution takes beside it; or the
states of the fine shell of the hot spots beside those of the solved one.
"""

from __future__ import annotations

import numpy as np
from threadpoolctl import threadpool_limits

from ..kinetics.geometry import shared_pair_bytes, shell_states
from ..kinetics.reduced import operator_bytes
from ..kinetics.solve import DENSE_LIMIT
from ..threads import THREADS
from ..units import KB
from .geometry_choice import WINDOW, independent_temperatures
from .image_pairs import BLOCK, irreducible_pairs
from .problem import Problem
from .shared import SharedShell
from .windowed import LEVELS

# measured on one core at 3 GHz: geometry and kernel of a pair, seconds
_PER_PAIR = {2: 2e-8, 3: 6e-8}
_EDGE = 1.3  # edge of a cell in terms of the square root of the area in it, measured on iron
_HALVED = (
    2.5  # points gained when the spacing is halved in three dimensions: cells at necks and pockets are small already
)
_PER_SHELL = {2: 0.3, 3: 1.0}  # seconds to find a shell and solve on it
_PIECES = 3  # of a thermal window that holds critical energies, mostly
_PER_TEMPERATURE = 6e-9  # kernel of a pair and channel at one temperature, one core
_SOLUTION = 4e-9  # seconds for each byte of the operators, solution and assembly
_WASTE = 1.6  # pairs in blocks that reach over the cutoff
_NODES = 5  # energy nodes that "auto" mostly ends at
_SAMPLE = 1500  # states by which the load of all is told
_PLANES = 6  # arrays of the size of a block that a thread works with
_CLUSTERS = 700  # of points, for the coarse correction of the solver
_KERNEL = 12  # operations for each pair and channel at one temperature: products with kernel, sums


def estimate_cost(problem: Problem, temperatures) -> dict:
    """States, pairs, bytes, operations and seconds of the kinetic part; printed before a run.

    Raises
    ------
    InputError
        If there is no state at the chemical potential, or the coldest temperature does not fit into the memory.
    """
    temperatures = np.asarray(temperatures, dtype=float)
    cost = _on_one_shell(problem, temperatures)
    apart = sum(independent_temperatures(problem, temperatures))
    cost["seconds"] += apart * _PIECES * sum(LEVELS[:2]) * _PER_SHELL[problem.model.dimension]
    return cost


@threadpool_limits.wrap(limits=1)
def _on_one_shell(problem: Problem, temperatures) -> dict:
    """The same without the shells that are made afresh over a thermal window."""
    settings, d = problem.settings, problem.model.dimension
    hottest = KB * float(temperatures.max())
    if problem.operations is not None and settings.geometry != "own" and not problem.near_edge(hottest):
        return _with_symmetry(problem, temperatures)
    coarse = problem.coarse_shell(problem.carriers(hottest).energy)
    load = _Load(problem, coarse)
    distances, q_max = _distances(problem, coarse), problem.q_max(coarse.k)

    def pairs_of(count, t):
        within = float(np.mean(distances <= max(problem.cuts(KB * t, q_max))))
        return 0.5 * count**2 * min(1.0, _WASTE * within)

    nodes = _nodes(problem)
    # shells of their own take every node in double precision, shared ones the even functions in single
    own = settings.geometry == "own"
    if settings.geometry == "auto":
        own = (d == 2 and nodes != 1) or all(problem.near_edge(KB * t) for t in temperatures)
    functions, size = (nodes, 8) if own else ((nodes + 1) // 2, 4 if d == 3 else 8)
    # shells of a metal are found now and kept for the run; others are made at the energies that the run asks for
    found = d == 3 and not own and not any(problem.near_edge(KB * t) for t in temperatures)
    spacings = np.array([problem.spacing(t) for t in temperatures])
    refined = None if found or d == 2 else _Refinement(problem, coarse, hottest)
    counts = {
        x: len(problem.solved_shell(problem.mu, x)) if found else _points(problem, coarse, x, refined) for x in spacings
    }
    states, most, pairs, seconds, flops, stored = 0.0, 0.0, 0.0, 1.0, 0.0, 0.0
    for t, spacing in zip(temperatures, spacings, strict=True):
        alike, count = temperatures[spacings == spacing], counts[spacing]
        m = functions if own or d == 2 else 1
        here = pairs_of(count, t)
        states, pairs = max(states, count * m), max(pairs, 2 * here * m**2)
        operator = here * size * m**2
        held = load.bytes(count * (m if own else 1))
        kept = 0.0
        if not own and len(alike) > 1:
            wanted = pairs_of(count, max(alike)) * load.channels * shared_pair_bytes(d)
            kept = wanted if problem.keeps(wanted, operator) else 0.0
        problem.check_memory(operator, t)
        once = not own and t == max(alike)
        stored += once * pairs_of(count, t) * load.stored
        most = max(most, held + kept + operator + _solution(count * m, 1, size))
        if not own and d == 3 and functions > 1:  # the effect of inelasticity, on a shell without refinement
            few = len(problem.inelastic_shell(spacing)) if found else len(coarse)
            kept, operator = (0.5 * few**2 * x for x in (shared_pair_bytes(d) * load.channels, size * functions**2))
            kept = kept if problem.keeps(kept, operator) else 0.0
            stored += once * 0.5 * few**2 * load.stored
            most = max(most, load.bytes(few) + kept + operator + _solution(few * functions, 1, size))
        seconds += here * (load.channels * _PER_PAIR[d] + 2e-8 * m**2)
        flops += here * ((1 if own else 1 / len(alike)) * load.flops * (m**2 if own else 1))
        flops += here * load.channels * _KERNEL * m**2
    if problem.refines:
        fine = (
            len(coarse) * refined(settings.levels) if refined else len(problem.fine_shell(problem.mu, spacings.min()))
        )
        seconds += states * fine * (_PER_PAIR[d] + 2e-8 * len(temperatures))
        flops += states * fine * (load.flops + _KERNEL * len(temperatures))
        most = max(most, load.bytes(states + fine))
    return {
        "temperatures": len(temperatures),
        "states": int(states),
        "pairs": float(pairs),
        "memory_bytes": float(most + load.work),
        "checkpoint_bytes": float(stored + _window_shells(problem) * 0.5 * pairs * load.stored),
        "flops": float(flops),
        "seconds": float(seconds),
    }


def _points(problem: Problem, coarse, spacing: float, refined: _Refinement | None) -> float:
    """Points of the shell of a spacing, from those of a coarse one."""
    if refined is None:
        return len(coarse) * problem.base_spacing / spacing
    halvings = np.log2(problem.base_spacing / spacing)
    # hot spots end at one size of cells, whatever they start from
    return float(len(coarse) * (_HALVED**halvings + refined(problem.levels(spacing) + round(halvings)) - 1))


def _with_symmetry(problem: Problem, temperatures) -> dict:
    """The same from the shells themselves, which are quickly found and kept for the run."""
    operations = problem.operations
    assert operations is not None
    images = len(operations)
    spacings = {problem.spacing(t) for t in temperatures}
    load = _Load(problem, problem.solved_shell(problem.mu, min(spacings)))
    per_pair = sum(source.seconds_per_pair for source in problem.sources) / THREADS
    fine = len(problem.fine_shell(problem.mu, min(spacings))) if problem.refines else 0
    states, most, pairs, seconds, flops, stored = 0.0, 0.0, 0.0, 25.0, 0.0, 0.0
    for spacing in spacings:
        here = [t for t in temperatures if problem.spacing(t) == spacing]
        shell = problem.solved_shell(problem.mu, spacing)
        reach = _Reach(problem, shell)
        count = len(shell)
        solved, points, kept = reach.at(max(here))
        operators = operator_bytes(points, 1, operations)
        problem.check_memory(operators, max(here))
        kept = kept if len(here) > 1 and problem.keeps(kept, operators) else 0.0
        together = 1 if kept else min(len(here), max(1, int(0.7 * problem.settings.memory / operators)))
        passes = 1 if kept else int(np.ceil(len(here) / together))
        held = load.bytes(images * count)
        stages = [held + kept + together * operators + _solution(count, 3)]
        hot = fine * count * images * min(1.0, 2 * solved / (images * count**2))
        if problem.refines:
            stages.append(held + load.bytes(fine))
        more, size = 0.0, (_nodes(problem) + 1) // 2
        if size > 1:
            other = problem.inelastic_shell(spacing)
            more, points, kept = _Reach(problem, other).at(max(here))
            stored += more * load.stored
            operators = operator_bytes(points, size, operations)
            kept = kept if problem.keeps(kept, operators) else 0.0
            stages.append(load.bytes(images * len(other)) + kept + operators + _solution(len(other), 3 * size))
        states, pairs, most = max(states, images * count), max(pairs, 2 * solved), max(most, *stages)
        stored += solved * load.stored
        # the thermal window and the shell of the energy nodes take as much again as a third
        total = solved * passes + hot
        seconds += 1.3 * total * (per_pair + _PER_TEMPERATURE * load.channels * len(here) / THREADS)
        seconds += len(here) * 4.0 * (3 * count) ** 2 * _SOLUTION
        flops += (total + more) * load.flops + (total + more * size**2) * load.channels * _KERNEL * len(here)
    return {
        "temperatures": len(temperatures),
        "states": int(max(states, images * fine)),
        "pairs": float(pairs),
        "memory_bytes": float(most + load.work),
        "checkpoint_bytes": float(stored + _window_shells(problem) * 0.5 * pairs * load.stored),
        "flops": float(flops),
        "seconds": float(seconds),
    }


def _window_shells(problem: Problem) -> int:
    """Most shells that the thermal window may add to that of the chemical potential."""
    return WINDOW if problem.model.dimension == 3 and problem.settings.geometry in ("auto", "averaged") else 0


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
        states = shell_states(problem.model, k, shell.band[chosen], problem.settings.degeneracy)
        arrays = (states.k, states.energy, states.velocity, states.vectors, states.covariant)
        self._bytes_per_state = sum(x.nbytes for x in arrays) / len(states)
        self._loads = [source.load(states) for source in problem.sources]
        self.work = THREADS * max(x.work_bytes for x in self._loads)
        self.flops = sum(x.flops_per_pair for x in self._loads)
        self.channels = sum(source.channels for source in problem.sources)
        expensive = sum(source.channels for source in problem.sources if source.expensive)
        self.stored = expensive * shared_pair_bytes(problem.model.dimension)  # of a pair, in a checkpoint

    def bytes(self, states: float) -> float:
        """Held for so many states."""
        return states * self._bytes_per_state + sum(x.held(states) for x in self._loads)


class _Reach:
    """Pairs of the irreducible points of a shell and their images."""

    def __init__(self, problem: Problem, shell):
        self._problem, self._images = problem, irreducible_pairs(problem, shell)
        self._q_max = problem.q_max(self._images.k)

    def at(self, temperature: float) -> tuple[float, float, float]:
        """Pairs with images, pairs of irreducible points, and bytes of the former where they are kept."""
        cuts = self._problem.cuts(KB * temperature, self._q_max)
        pairs, points = self._images.count(self._problem.sources, cuts)
        channels = sum(source.channels for source in self._problem.sources)
        return pairs / channels, points, shared_pair_bytes(3) * pairs


def _solution(points: float, components: int, size: int = 4) -> float:
    """Bytes beside the operator for `components` unknowns of each point, P stored in `size` bytes."""
    unknowns, width = points * components, components * min(BLOCK, points)
    work = 4.0 * _PLANES * THREADS * width**2
    if unknowns <= DENSE_LIMIT:
        return max(work, 16.0 * unknowns**2)
    strips = 8.0 * THREADS * width * unknowns if size == 4 else 0.0  # in double precision
    return max(work, strips, 16.0 * min(unknowns, _CLUSTERS * components) ** 2)


class _Refinement:
    """Points that splits at hot spots add to a coarse shell: every cell in which the state turns becomes four."""

    def __init__(self, problem: Problem, coarse, hottest: float):
        settings, shared = problem.settings, SharedShell(problem, coarse, hottest)
        self._turn = np.zeros(1)
        if settings.turn is not None:
            edge = _EDGE * np.sqrt(coarse.patch[shared.geometry.order])
            self._turn = shared.geometry.states.interband * edge * settings.accuracy / settings.turn

    def __call__(self, levels: int) -> float:
        """Points after so many splits, relative to those before."""
        return 1.0 + sum(3 * 4**level * float(np.mean(self._turn > 2**level)) for level in range(levels))


def _distances(problem: Problem, shell) -> np.ndarray:
    """Momentum transfers between a sample of the points of a shell and all of them."""
    k = shell.k if shell.operations is None else np.concatenate([shell.k @ m.T for m in shell.operations.matrices])
    k, start = problem.momentum.first_zone(k), problem.momentum.first_zone(shell.k[:: max(1, len(shell) // 300)])
    return problem.momentum.lengths(start, k, problem.momentum.images, single=True)
