"""Which replicas count, in which order, and what a result is when some of them are those of another plan."""

from dataclasses import replace

import numpy as np
import pytest

import sidejump as sj
from sidejump.accuracy import Study, estimate, plan
from sidejump.accuracy.composition import Composition
from sidejump.accuracy.controller import Controller, Limits
from sidejump.accuracy.counted import Demands, counted, left_out
from sidejump.accuracy.replica import QUALITY, Replica, Task
from sidejump.accuracy.report import left_out_sentences, warnings_of_finest
from sidejump.accuracy.store import from_text, to_text
from sidejump.errors import InputError
from sidejump.transport import TransportSettings

TEMPERATURES = np.array([20.0, 100.0])
FIRST = {"own shells": True, "Fermi surface": True, "thermal window": False}
SOLVED = dict.fromkeys(QUALITY, 0.0) | {"contributions": 1.0, "method": "direct"}


def replica(term, level, number, where=(0, 1), value=1.0, change=np.nan, **more):
    """Of a term whose conductivity is `value` with some spread, which says what energy nodes leave."""
    spread = 0.02 * 0.5**level * np.random.default_rng([level, number]).normal(size=(len(where), 1, 1))
    values = np.zeros((len(where), 3, 2, 2))
    values[:, 0] = (value + spread) * np.eye(2)
    values[:, 1] = 0.5 * (value + spread) * np.array([[0.0, 1.0], [-1.0, 0.0]])
    facts = {"node_change": [change] * len(where), "node_changes": [[change, change]] * len(where)}
    quality = [dict(SOLVED) for _ in where] if FIRST[term] else []
    return Replica(Task(term, level, number, where), values, 1.0, facts, quality, **more)


def composition(**places):
    names = {name.replace("_", " "): list(some) for name, some in places.items()}
    return Composition(TEMPERATURES, {name: FIRST[name] for name in names}, names)


def controller(replicas, plan, tolerance=0.01, **more):
    chosen = Controller(plan, Limits(tolerance), **more)
    for one in replicas:
        chosen.add(one)
    return chosen


def test_the_error_does_not_depend_on_the_order():
    """What energy nodes leave is that of the finest level, whichever came first."""
    terms = composition(Fermi_surface=(0, 1))
    known = [replica("Fermi surface", level, n, change=change) for level, change in ((0, 0.1), (1, 1e-3), (2, 2e-3))
             for n in range(2)]  # fmt: skip
    orders = [known, known[::-1], [known[i] for i in (4, 0, 3, 5, 1, 2)]]
    found = [controller(order, terms).estimate() for order in orders]
    for other in found[1:]:
        np.testing.assert_array_equal(other.value, found[0].value)
        np.testing.assert_array_equal(other.error, found[0].error)
        np.testing.assert_array_equal(other.floors["energy nodes"], found[0].floors["energy nodes"])
    assert found[0].relative_floors()["energy nodes"].max() == pytest.approx(2e-3, rel=0.1)


def test_replicas_of_one_number_count_once_at_a_temperature():
    """Their points are the same: the one for more temperatures tells nothing new of those of the other."""
    terms = composition(Fermi_surface=(0, 1))
    both, one = replica("Fermi surface", 0, 0), replica("Fermi surface", 0, 0, (1,))
    better = replace(one, tolerance=-1.0)
    for known in ([both, one], [one, both]):
        assert [r.task.where for r in counted(known, terms)["Fermi surface"]] == [(0, 1)]
    for known in ([both, better], [better, both]):
        assert [r.task.where for r in counted(known, terms)["Fermi surface"]] == [(1,), (0,)]


# --- those of the plan of another tolerance ---------------------------------------------------------------------------


def test_a_temperature_is_not_the_sum_of_two_plans():
    """That of the term that it is now, of whichever of the two the plan speaks first; the other temperature goes on."""
    shared = [replica("Fermi surface", 0, n, value=2.0) for n in range(2)]
    own = [replica("own shells", 0, n, (1,), value=1.0) for n in range(2)]
    for order in (composition(own_shells=[1], Fermi_surface=[0]), composition(Fermi_surface=[0], own_shells=[1])):
        alone = controller(own + [r.at([0]) for r in shared], order)
        both = controller(shared + own, order)
        np.testing.assert_array_equal(both.estimate().value, alone.estimate().value)
        np.testing.assert_array_equal(both.estimate().error, alone.estimate().error)
        assert both.estimate().value[:, 0, 0, 0] == pytest.approx([2.0, 1.0], rel=0.05)
        assert both.left_out == 2 and alone.left_out == 0
        [sentence] = left_out_sentences(both)
        assert sentence.startswith("2 replicas of other runs did not count") and "than 1 % takes" in sentence
        assert not left_out_sentences(alone)


def test_a_change_that_is_part_of_the_sum_no_longer_is_not_added():
    """Where shells made afresh hold it already; and what was scaled from there says little of colder temperatures."""
    terms = composition(Fermi_surface=[0], own_shells=[1], thermal_window=[0])
    known = [replica("Fermi surface", 0, n) for n in range(2)] + [replica("own shells", 0, n, (1,)) for n in range(2)]
    window = [replica("thermal window", 0, n, value=0.3) for n in range(2)]
    found = controller(known + window, terms)
    assert found.estimate().value[1, 0, 0, 0] == pytest.approx(1.0, rel=0.05)
    assert not found.complete and {t.term for t in found.next_tasks()} == {"thermal window"}
    wide = composition(Fermi_surface=[0], own_shells=[1], thermal_window=[1])  # the hottest is one: as a fresh run
    assert [r.task.where for r in counted(window, wide)["thermal window"]] == [(1,), (1,)]


def test_temperatures_that_lack_a_term_get_their_first_replicas():
    """For each temperature, not for each level; with the numbers that a fresh run has."""
    terms = composition(Fermi_surface=[0, 1], thermal_window=[0, 1])
    known = [replica("Fermi surface", 0, n) for n in range(2)]
    known += [replica("thermal window", 0, n, (1,), value=0.01) for n in range(2)]
    chosen = controller(known, terms)
    assert chosen.seconds_left(chosen.estimate()) == np.inf
    # for both: the shells of a change are those of its hottest temperature
    assert chosen.next_tasks() == [Task("thermal window", 0, n, (0, 1)) for n in range(2)]
    chosen = controller([*known, replica("thermal window", 0, 0, (0, 1), value=0.01)], terms)
    assert chosen.next_tasks() == [Task("thermal window", 0, 1, (0, 1))]
    # those of all terms at once
    window = [Task("thermal window", 0, n, (0, 1)) for n in range(2)]
    chosen = controller([known[0], replica("Fermi surface", 0, 1, (1,))], terms)
    assert chosen.next_tasks() == [Task("Fermi surface", 0, 1, (0,)), *window]
    chosen = controller(known[2:], terms)
    assert chosen.next_tasks() == [*(Task("Fermi surface", 0, n, (0, 1)) for n in range(2)), *window]
    chosen = controller(known, terms, numbers=range(7, 7))
    with pytest.raises(InputError, match="replicas 7:7 hold none"):
        chosen.next_tasks()


def hot_first(tolerance, temperatures=(100.0, 20.0), **settings):
    """Geometries that depend on the tolerance: at the hot temperature, which is the first, shells of its own."""
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=8.0, sound_velocity=3000.0, mass_density=2e-6, dimension=2
    )
    chosen = TransportSettings(**settings)
    study = Study(sj.MassiveDirac(mass=0.1, velocity=3.0), (phonons,), (0.2,), temperatures, tolerance, settings=chosen)
    [case] = plan(study)
    return case


@pytest.mark.parametrize("tolerances", [(0.3, 0.03), (0.03, 0.3)])
def test_another_tolerance_goes_on_to_the_values_of_its_own_plan(tolerances):
    geometries, found = [], []
    for tolerance in tolerances:
        case = hot_first(tolerance)
        geometries.append(case.geometry)
        found.append(estimate(case))
    assert geometries[0] != geometries[1]
    known = [r for some in found[0][1].replicas.values() for r in some]
    again, chosen = estimate(case, known=known)
    assert chosen.left_out and chosen.complete
    np.testing.assert_allclose(again.value[0], found[1][0].value[0], rtol=1e-9)
    off = np.abs(again.value - found[1][0].value)[..., 0, 0]
    assert (off <= 2 * np.hypot(again.error, found[1][0].error)[..., 0, 0]).all()
    assert (again.relative_error() <= tolerances[1]).all()


# --- what replicas of a larger tolerance leave ------------------------------------------------------------------------


def test_what_a_larger_tolerance_left_does_not_stay_in_the_error():
    """Replicas that leave more than is allowed now are computed again, at those temperatures alone; others count."""
    terms = composition(Fermi_surface=[0, 1])
    loose = [replica("Fermi surface", 0, n, change=0.05, tolerance=0.06) for n in range(2)]
    for one in loose:
        one.facts["node_change"][0] = one.facts["node_changes"][0][0] = one.facts["node_changes"][0][1] = 1e-3
    auto, given = Demands.of(0.002, "auto"), Demands.of(0.002, 5)
    chosen = controller(loose, terms, demands=auto)
    assert chosen.left_out == 2 and [r.task.where for r in chosen.replicas["Fermi surface"]] == [(0,), (0,)]
    assert chosen.next_tasks() == [Task("Fermi surface", 0, n, (1,)) for n in range(2)]
    for n in range(2):
        chosen.add(replica("Fermi surface", 0, n, (1,), change=1e-3, tolerance=0.002))
    assert chosen.estimate().relative_floors()["energy nodes"].max() < 0.002
    assert controller(loose, terms, demands=given).left_out == 0  # more of them would not be computed again
    strict = [replace(r, tolerance=0.002) for r in loose]  # of this tolerance: what memory allowed
    assert controller(strict, terms, demands=auto).left_out == 0
    for fact in ("node_change", "window_change"):
        infinite = replace(loose[0], facts={fact: [np.inf, np.nan]})
        assert left_out([infinite], terms, auto) == 1 and left_out([infinite], terms) == 0


def test_each_temperature_has_the_warnings_of_its_finest_replicas():
    """The hot one ends at the first level, the cold one goes on: what the first says of the hot one stays."""
    both = [replica("Fermi surface", 0, n, warnings=("rough",)) for n in (0, 1)]
    cold = replica("Fermi surface", 1, 0, where=(0,), warnings=("fine",))
    assert warnings_of_finest([*both, cold]) == ["rough", "fine"]
    assert warnings_of_finest([*both, replica("Fermi surface", 1, 0, warnings=("fine",))]) == ["fine"]
    other = replica("thermal window", 0, 0, warnings=("another",))
    assert warnings_of_finest([*both, cold, other]) == ["rough", "fine", "another"]


def test_a_smaller_tolerance_has_the_energy_nodes_of_its_own():
    """Of a result with few of them, whose change was the floor of the error; as accurate as a fresh run."""
    cases = [hot_first(tolerance, [20.0], geometry="shared") for tolerance in (0.03, 0.001)]
    _, loose = estimate(cases[0])
    known = [r for some in loose.replicas.values() for r in some]
    assert any(change > 0.001 for r in known for change in r.facts["node_change"])
    again, chosen = estimate(cases[1], known=known)
    fresh, _ = estimate(cases[1])
    assert not chosen.missed(again) and again.relative_error().max() <= 0.001
    np.testing.assert_allclose(again.value, fresh.value, rtol=1e-9)
    joint = controller(known + [r for some in chosen.replicas.values() for r in some], cases[1].composition)
    joint.demands = chosen.demands
    np.testing.assert_array_equal(joint.estimate().value, again.value)


def test_more_memory_takes_away_what_less_has_left():
    """As the sentence advises: replicas that memory kept from enough energy nodes are computed again."""
    terms = composition(Fermi_surface=[0, 1])
    small = [replica("Fermi surface", 0, n, change=0.05, tolerance=0.002, memory=1e6) for n in range(2)]
    assert controller(small, terms, demands=Demands.of(0.002, "auto", 1e6)).left_out == 0
    assert controller(small, terms, demands=Demands.of(0.002, "auto", 1e5)).left_out == 0
    chosen = controller(small, terms, demands=Demands.of(0.002, "auto", 1e7))
    assert chosen.next_tasks() == [Task("Fermi surface", 0, n, (0, 1)) for n in range(2)]
    enough = [replace(r, facts={"node_change": [1e-3, 1e-3]}) for r in small]
    assert controller(enough, terms, demands=Demands.of(0.002, "auto", 1e7)).left_out == 0
    assert from_text(to_text(small[0]))[1].memory == 1e6
