"""Error bars on synthetic replicas with a known truth, and the choice of what comes next."""

import json
from dataclasses import replace

import numpy as np
import pytest

import sidejump as sj
from sidejump.accuracy.composition import Composition
from sidejump.accuracy.controller import FIRST_REPLICAS, Controller, Limits
from sidejump.accuracy.counted import counted
from sidejump.accuracy.estimates import estimated
from sidejump.accuracy.replica import Replica, Task
from sidejump.accuracy.statistics import ALONE, Samples, moments
from sidejump.errors import InputError, TooLarge

TEMPERATURES = np.array([10.0, 20.0, 40.0, 80.0, 150.0, 300.0])


def drawn(rng, levels, counts, fall, spread=0.1, bias=0.1, draws=()):
    """Replicas of a quantity that is 1 at every temperature, and of so many draws of it as a tensor; error of a level
    `fall` times that of the one before."""
    trend = np.expand_dims(1 + 0.2 * np.log(TEMPERATURES / 40), tuple(range(1, 1 + len(draws))))
    samples = []
    for level, count in zip(range(levels), counts, strict=False):
        here = fall**level
        # bias is smooth in T and of either sign, spread is independent
        shift = bias * here * trend * rng.choice([-1, 1], size=draws)
        values = 1 + shift + spread * here * rng.standard_normal((count, len(TEMPERATURES), *draws))
        samples.append(Samples(level, np.arange(len(TEMPERATURES)), values))
    return samples


@pytest.mark.parametrize("fall", [0.25, 0.35, 0.5])
@pytest.mark.parametrize("counts", [(2, 2), (2, 2, 2), (3, 2, 4)])
@pytest.mark.parametrize("bias", [0.0, 0.1, 0.3])
def test_the_truth_lies_inside_as_often_as_it_should(fall, counts, bias):
    samples = drawn(np.random.default_rng(1), len(counts), counts, fall, bias=bias, draws=(2000,))
    found = moments(samples, np.log(TEMPERATURES))
    distance = np.abs(found.value - 1) / found.error
    assert (distance < 1).mean() > 0.60 and (distance < 2).mean() > 0.92 and (distance < 4).mean() > 0.99
    # and they say something: within a few times of what the error is, ten where there is no bias at all
    assert np.median(found.error) < 10 * np.median(distance * found.error) + 1e-12


def test_a_level_alone_says_nothing_of_its_bias():
    samples = [Samples(0, np.arange(6), np.full((2, 6), 5.0))]
    found = moments(samples, np.log(TEMPERATURES))
    np.testing.assert_allclose(found.error, 5.0 * ALONE)
    assert (found.level == 0).all() and (found.replicas == 2).all()


def test_temperatures_may_have_different_levels():
    samples = [
        Samples(0, np.arange(6), np.array([[1.0] * 6, [1.1] * 6])),
        Samples(1, np.array([0, 1]), np.array([[1.02, 1.02], [1.03, 1.04]])),
    ]
    found = moments(samples, np.log(TEMPERATURES))
    assert found.level.tolist() == [1, 1, 0, 0, 0, 0]
    np.testing.assert_allclose(found.value, [1.025, 1.03, 1.05, 1.05, 1.05, 1.05])
    assert (found.error[:2] < found.error[2:].min()).all() and np.isfinite(found.error).all()


def test_one_replica_has_an_error_only_by_other_levels():
    alone = moments([Samples(0, np.arange(6), np.ones((1, 6)))], np.log(TEMPERATURES))
    assert np.isinf(alone.error).all()
    more = moments(
        [Samples(0, np.arange(6), np.array([[0.9] * 6, [1.1] * 6])), Samples(1, np.arange(6), np.ones((1, 6)))],
        np.log(TEMPERATURES),
    )
    assert np.isfinite(more.error).all() and (more.error > 0.05).all()


# --- what comes next --------------------------------------------------------------------------------------------------


class World:
    """Replicas of two terms that are numbers; the second is a small change with a large spread."""

    def __init__(self, spreads=(0.05, 0.05), fall=0.3, seconds=1.0):
        self.spreads, self.fall, self.seconds, self.done = (
            dict(zip(("a", "b"), spreads, strict=True)),
            fall,
            seconds,
            [],
        )

    def controller(self, tolerance, **options):
        places = {"a": list(range(6)), "b": list(range(6))}
        return Controller(Composition(TEMPERATURES, {"a": True, "b": False}, places), Limits(tolerance), **options)

    def replica(self, task):
        rng = np.random.default_rng([hash(task.term) % 100, task.level, task.number])
        size = self.spreads[task.term] * self.fall**task.level
        values = np.zeros((len(task.where), 3, 2, 2))
        middle = 1.0 if task.term == "a" else 0.1
        noise = size * rng.standard_normal((len(task.where), 3))
        values[:, :, 0, 1] = middle + noise
        values[:, :, 1, 0] = -middle - noise
        values[:, 0] += np.eye(2) * (middle + noise[:, :1, None])
        names = (
            "onsager_error",
            "conservation_error",
            "residual",
            "iterations",
            "growing",
            "contributions",
            "rounding",
        )
        quality = [dict.fromkeys(names, 0.0) | {"method": "none"} for _ in task.where]
        self.done.append(task)
        return Replica(task, values, self.seconds, {}, quality if task.term == "a" else [])

    def compute(self, tasks):
        for task in tasks:
            yield self.replica(task)


def test_it_ends_within_the_tolerance():
    world = World()
    controller = world.controller(0.01)
    found = controller.run(world.compute)
    assert found.relative_error().max() <= 0.01 and not controller.missed(found)
    true = found.value[:, 3, 0, 1] - 2.2
    assert (np.abs(true) < 4 * found.error[:, 3, 0, 1]).all()


def test_work_goes_to_the_term_with_most_of_the_error():
    world = World(spreads=(0.001, 0.3))
    found = world.controller(0.02).run(world.compute)
    levels = {t.name: t.moments.level.max() for t in found.terms}
    assert levels["b"] > levels["a"]


def test_the_choice_does_not_depend_on_the_machine():
    fast, slow = World(seconds=0.01), World(seconds=50.0)
    for world in (fast, slow):
        world.controller(0.01).run(world.compute)
    assert fast.done == slow.done


def test_the_order_of_replicas_changes_no_digit():
    world = World()
    controller = world.controller(0.01)
    found = controller.run(world.compute)
    other = world.controller(0.01)
    for some in controller.replicas.values():
        for replica in reversed(some):
            other.add(replica)
    again = other.estimate()
    np.testing.assert_array_equal(again.value, found.value)
    np.testing.assert_array_equal(again.error, found.error)


def test_memory_ends_a_term_and_is_said():
    world = World()
    controller = world.controller(1e-4)
    controller.numbers = range(16)

    def compute(tasks):
        if tasks[0].level > 1:
            raise TooLarge("memory = 1 GB is too little")
        yield from world.compute(tasks)

    found = controller.run(compute)
    assert found.relative_error().max() > 1e-4
    assert {m.reason for m in controller.missed(found)} <= {"memory", "replicas"}
    with pytest.raises(TooLarge):
        world.controller(0.1).run(lambda tasks: (_ for _ in ()).throw(TooLarge("too little")))


def test_time_ends_the_work_and_is_said():
    world = World(seconds=1e6)
    controller = world.controller(1e-4)
    controller.limits.seconds = 5.0
    found = controller.run(world.compute)
    assert {m.reason for m in controller.missed(found)} == {"time"}
    assert max(t.level for t in world.done) == 0


def test_replicas_of_other_machines_are_left_to_them():
    here, there = World(), World()
    here.controller(0.01, numbers=range(FIRST_REPLICAS)).run(here.compute)
    there.controller(0.01, numbers=range(FIRST_REPLICAS, 2 * FIRST_REPLICAS)).run(there.compute)
    assert not set(here.done) & set(there.done)
    assert {t.number for t in here.done} == {0, 1} and {t.number for t in there.done} == {2, 3}
    with pytest.raises(InputError, match="give at least one"):
        World().controller(0.1, numbers=range(3, 3)).run(World().compute)


def test_what_replicas_cannot_take_away_is_no_goal():
    """Energy nodes that leave 5 % do not make replicas for ever."""
    world = World()
    plain = world.replica

    def unsettled(task):
        found = plain(task)
        return Replica(task, found.values, 1.0, {"node_change": [0.05] * len(task.where)}, found.quality)

    world.replica = unsettled
    controller = world.controller(0.01)
    found = controller.run(world.compute)
    assert len(world.done) < 20
    assert {(m.name, m.reason) for m in controller.missed(found)} == {("energy nodes", "floor")}
    assert Task("a", 0, 0, tuple(range(6))) in world.done


# --- the thermal window where it is not averaged over ---------------------------------------------------------------


def of_window(change, contributions=0.0):
    """Replicas of a Fermi surface at six temperatures, and of what the thermal window changes at the two hottest."""
    quality = dict.fromkeys(
        ("onsager_error", "conservation_error", "residual", "iterations", "growing", "rounding"), 0.0
    )
    quality |= {"contributions": contributions, "method": "none"}
    plain, window = np.zeros((6, 3, 2, 2)), np.zeros((2, 3, 2, 2))
    plain[:, 0] = 2.0 * np.eye(2)
    plain[:, 1:, 0, 1], plain[:, 1:, 1, 0] = 0.5, -0.5
    window[:, 0] = change * np.eye(2)
    window[:, 1:, 0, 1] = 0.5 * change
    window[1] *= 4  # as T^2, nearly
    found = {"Fermi surface": [], "thermal window": []}
    for number in range(2):
        for level in range(2):
            task = Task("Fermi surface", level, number, tuple(range(6)))
            found["Fermi surface"].append(Replica(task, plain, 1.0, {}, [dict(quality)] * 6))
            found["thermal window"].append(Replica(Task("thermal window", level, number, (4, 5)), window, 1.0))
    return found


@pytest.mark.parametrize("change", [1e-4, 0.02])
@pytest.mark.parametrize("contributions", [0.0, 20.0])
def test_what_the_window_changes_is_an_error_where_it_is_left_out(change, contributions):
    """In proportion to T^2, from the coldest temperature that is averaged; each part by itself."""
    places = {"Fermi surface": list(range(6)), "thermal window": [4, 5]}
    composition = Composition(TEMPERATURES, {"Fermi surface": True, "thermal window": False}, places)
    known = of_window(change, contributions)
    found = estimated(known, composition)
    left = found.floors["thermal window left out"]
    ratio = (TEMPERATURES[:4] / TEMPERATURES[4]) ** 2
    np.testing.assert_allclose(left[:4, 0], 2.0 * ratio * change / (1 + change), rtol=1e-9)
    assert not left[4:].any()
    # relative to the side jump, or to what cancels in it
    size = max(1 + change, 0.1 * 2 * contributions)
    expected = ratio * (change / size) * max(1.0, 0.2 * contributions)
    np.testing.assert_allclose(left[:4, 3], expected, rtol=1e-9)
    assert (found.error[:4, 0, 0, 0] >= 0.999 * left[:4, 0]).all()
    # own shells are those of the window: nothing is left out
    places = {"own shells": [0, 1], "Fermi surface": [2, 3, 4, 5], "thermal window": [4, 5]}
    first = {"own shells": True, "Fermi surface": True, "thermal window": False}
    known["own shells"] = [replace(r, task=replace(r.task, term="own shells")) for r in known["Fermi surface"]]
    mixed = [r for some in known.values() for r in some]
    composition = Composition(TEMPERATURES, first, places)
    left = estimated(counted(mixed, composition), composition).floors["thermal window left out"]
    assert not left[:2].any() and left[2:4].all()


def test_what_few_shells_miss_of_the_window_is_an_error():
    places = {"Fermi surface": list(range(6)), "thermal window": [4, 5]}
    first = {"Fermi surface": True, "thermal window": False}
    missed = np.array([np.nan, np.nan, np.nan, 0.05, np.nan, 0.1])
    plain, doubtful = (estimated(of_window(0.0), Composition(TEMPERATURES, first, places, m)) for m in (None, missed))
    added = doubtful.error[:, 0, 0, 0] ** 2 - plain.error[:, 0, 0, 0] ** 2
    np.testing.assert_allclose(added, (2.0 * np.nan_to_num(missed)) ** 2, atol=1e-12)


def test_replicas_of_a_call_are_those_that_are_asked_for():
    """What is no range of them is refused."""
    model = sj.MassiveDirac(mass=0.1, velocity=3.0)
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
    )
    quick = {"tolerance": 0.5, "intrinsic_tolerance": 0.3, "energy_nodes": 1, "accuracy": 0.2}
    found = sj.anomalous_hall(
        model, phonons, chemical_potential=0.2, temperatures=[50], replicas=range(40, 44), **quick
    )
    known = [json.loads(text)["task"]["number"] for text in found.replicas.values]
    assert known and set(known) <= set(range(40, 44))
    for wrong in (8, [1, 2], range(-2, 3), range(3, 3), range(0, 8, 2)):
        with pytest.raises(sj.InputError, match=r"replicas (= .*range|3:3 hold none)"):
            sj.anomalous_hall(model, phonons, chemical_potential=0.2, temperatures=[50], replicas=wrong)
