"""What is computed next: synthetic replicas of terms whose bias and spread are known."""

from dataclasses import replace

import numpy as np
import pytest

import sidejump as sj
from sidejump.accuracy import Study, estimate, plan
from sidejump.accuracy.composition import Composition
from sidejump.accuracy.controller import FIRST_REPLICAS, Controller, Limits
from sidejump.accuracy.replica import Replica, Task
from sidejump.accuracy.report import missed_sentences
from sidejump.accuracy.standing import Standing
from sidejump.accuracy.statistics import OF_SPREAD, widening
from sidejump.errors import InputError, TooLarge
from sidejump.transport import TransportSettings
from sidejump.transport.nodes import raise_nodes
from sidejump.transport.problem import Problem
from sidejump.transport.shared import SharedShell
from sidejump.units import KB

TEMPERATURES = np.array([20.0, 100.0, 300.0])
TRUTH = {"shared": 1.0, "change": 0.1}
QUALITY = {"onsager_error": 0.0, "conservation_error": 0.0, "residual": 0.0, "iterations": 1, "method": "direct",
           "growing": 0.0, "contributions": 1.0, "rounding": 0.0}  # fmt: skip


class Terms:
    """Replicas whose numbers depend on the task alone; `spread` and `bias` of level 0 by the name of the term."""

    def __init__(self, spread, bias=None, seconds=lambda task: 0.0, most=lambda task: False):
        self.spread, self.bias, self.seconds, self.most = spread, bias or {}, seconds, most
        self.done = []

    def __call__(self, tasks):
        for task in tasks:
            if self.most(task):
                raise TooLarge("too large")
            self.done.append(task)
            yield self.replica(task)

    def replica(self, task):
        name = task.term
        rng = np.random.default_rng([sorted(TRUTH).index(name), task.level, task.number])
        noise = rng.normal(size=(3, 3, 2, 2))[list(task.where)]
        gain = 0.4**task.level
        values = TRUTH[name] + gain * (self.bias.get(name, 0.0) + self.spread[name] * noise)
        quality = [dict(QUALITY) for _ in task.where] if name == "shared" else []
        return Replica(task, values, self.seconds(task), {}, quality)


def controller(tolerance, **more):
    names = {"shared": True, "change": False}
    places = {name: [0, 1, 2] for name in names}
    return Controller(Composition(TEMPERATURES, names, places), Limits(tolerance), **more)


@pytest.mark.parametrize("tolerance", [0.1, 0.01])
def test_the_tolerance_is_reached(tolerance):
    chosen = controller(tolerance)
    found = chosen.run(Terms({"shared": 0.05, "change": 0.01}, {"shared": 0.05}))
    assert found.relative_error().max() <= tolerance
    assert not chosen.missed(found) and not chosen.stopped
    truth = TRUTH["shared"] + TRUTH["change"]
    assert np.abs(found.value[:, 0] - truth).max() < 5 * found.error[:, 0].max()


def test_the_term_with_most_of_the_error_is_refined():
    for loud, still in (("shared", "change"), ("change", "shared")):
        terms = Terms({loud: 0.1, still: 1e-5}, {loud: 0.1})
        controller(0.01).run(terms)
        count = {name: sum(t.term == name for t in terms.done) for name in TRUTH}
        finest = {name: max(t.level for t in terms.done if t.term == name) for name in TRUTH}
        assert count[loud] > count[still]
        assert finest[loud] > 0 and finest[loud] >= finest[still]


def test_a_change_is_computed_for_all_its_temperatures():
    """Its noise at a cold one is a part of that at the hottest, whose shells it is found on."""
    terms = Terms({"shared": 1e-5, "change": 0.05})
    plain = terms.replica

    def replica(task):
        found = plain(task)
        if task.term == "change":  # the colder ones are there with the first two
            found.values[: len(task.where) - 1] = TRUTH["change"]
        return found

    terms.replica = replica
    controller(0.02).run(terms)
    of = {name: {task.where for task in terms.done if task.term == name} for name in TRUTH}
    assert of["change"] == {(0, 1, 2)} and sum(task.term == "change" for task in terms.done) > FIRST_REPLICAS


def test_first_replicas_of_a_change_are_for_all_its_temperatures():
    terms = Terms({"shared": 0.0, "change": 0.0})
    chosen = controller(1.0)
    for number in range(FIRST_REPLICAS):
        chosen.add(terms.replica(Task("shared", 0, number, (0, 1, 2))))
        chosen.add(terms.replica(Task("change", 0, number, (1, 2))))
    assert {(task.term, task.where) for task in chosen.next_tasks()} == {("change", (0, 1, 2))}


def test_replicas_are_cheaper_than_a_level_where_few_replicas_are_what_the_error_is():
    """Two replicas tell their own spread badly: two more bring the error down by that as well as by their number."""
    terms = Terms({"shared": 0.05, "change": 1e-7})
    first = controller(1.0)
    wide = first.run(terms)
    first.limits = Limits(0.7 * wide.relative_error().max())
    assert {(t.term, t.level) for t in first.next_tasks()} == {("shared", 0)}

    now = Standing("shared", 0, 2, -1, 0, statistical=0.04, systematic=0.08 * OF_SPREAD**2, coarser=0.0)
    [(_, more)] = [(level, then) for level, then in now.steps(3, 2) if level == 0]
    narrower = (widening(3.0) / widening(1.0)) ** 2
    assert more.statistical == pytest.approx(0.02 * narrower) and more.systematic == pytest.approx(
        now.systematic * narrower
    )
    [(_, more)] = [(level, then) for level, then in replace(now, systematic=0.2).steps(3, 2) if level == 0]
    assert more.systematic == 0.2  # the prior, not the spread


def test_the_noise_of_the_coarser_mean_is_taken_away():
    """Where it is what the error is: a first level that is noisy, without bias, and a second one, the last, that is
    quiet."""
    terms = Terms({"shared": 0.05, "change": 1e-7})
    quiet = terms.replica

    def replica(task):
        found = quiet(task)
        if task.term == "shared" and task.level > 0:
            found = replace(found, values=1.0 + 1e-3 * (found.values - 1.0))
        return found

    terms.replica = replica
    chosen = controller(0.05, batch=2, highest={"shared": 1})
    found = chosen.run(terms)
    assert found.relative_error().max() <= 0.05
    count = [sum(t.term == "shared" and t.level == level for t in terms.done) for level in range(2)]
    assert count[0] > count[1] >= 2


def test_memory_stops_a_term_and_is_named():
    chosen = controller(1e-3)
    chosen.numbers = range(20)
    terms = Terms({"shared": 0.1, "change": 1e-6}, most=lambda task: task.term == "shared" and task.level >= 2)
    found = chosen.run(terms)
    assert max(t.level for t in terms.done if t.term == "shared") == 1
    assert chosen.stopped["shared"] == "memory"
    missed = chosen.missed(found)
    assert missed and {m.name for m in missed} == {"shared"}
    assert {m.reason for m in missed} == {"memory"}


def test_memory_that_shrinks_on_the_way_ends_the_run():
    """A level of which some replicas fitted, and the next does not."""
    chosen = controller(1e-4)
    chosen.numbers = range(20)
    count = []

    def most(task):
        count.append(task)
        assert len(count) < 2000, "asks for the same replica for ever"
        return task.term == "shared" and (task.level, task.number) >= (1, 2)

    found = chosen.run(Terms({"shared": 0.1, "change": 1e-6}, most=most))
    assert chosen.stopped["shared"] == "memory" and chosen.missed(found)


def test_memory_for_the_coarsest_level_is_needed():
    with pytest.raises(TooLarge):
        controller(0.1).run(Terms({"shared": 0.1, "change": 0.1}, most=lambda task: True))


def test_time_stops_and_is_named():
    chosen = controller(1e-4)
    chosen.limits.seconds = 50.0
    # a replica says it took long: nothing is begun that would end too late
    terms = Terms({"shared": 0.1, "change": 1e-6}, seconds=lambda task: 1000.0)
    found = chosen.run(terms)
    assert {t.level for t in terms.done} == {0}
    assert len(terms.done) == 2 * FIRST_REPLICAS
    assert {m.reason for m in chosen.missed(found)} == {"time"}


def test_the_rest_of_the_time_is_not_spent_on_what_hardly_matters(monkeypatch):
    """Where nothing that takes much of the error away ends in time, the run ends; what does, it still does."""
    clock = [0.0]
    monkeypatch.setattr("sidejump.accuracy.controller.time.perf_counter", lambda: clock[0])

    def ended(spread, limit):
        clock[0] = 0.0
        slow = Terms(spread, {"shared": 0.3}, lambda task: (25.0 if task.term == "shared" else 0.5) * 2.5**task.level)
        chosen = controller(0.01)
        chosen.limits.seconds, chosen.started = limit, 0.0

        def compute(tasks):
            for replica in slow(tasks):
                clock[0] += replica.seconds
                yield replica

        found = chosen.run(compute)
        assert {m.reason for m in chosen.missed(found)} == {"time"}
        return slow.done, {m.name for m in chosen.missed(found)}

    done, names = ended({"shared": 0.05, "change": 0.004}, 58.0)
    assert len(done) == 2 * FIRST_REPLICAS and names == {"shared"} and clock[0] == 51.0
    done, _ = ended({"shared": 0.02, "change": 0.3}, 74.0)  # most of the error is where there is time
    assert sum(t.term == "change" for t in done) > FIRST_REPLICAS
    done, _ = ended({"shared": 0.05, "change": 0.004}, 100.0)  # one more batch of the first
    assert [t.term for t in done[2 * FIRST_REPLICAS :]] == ["shared"] * FIRST_REPLICAS


def test_other_replicas_are_those_of_other_machines():
    done = []
    for numbers in (range(0, 8), range(8, 16)):
        terms = Terms({"shared": 0.1, "change": 0.05})
        chosen = controller(1e-4, numbers=numbers)
        found = chosen.run(terms)
        assert {t.number for t in terms.done} <= set(numbers)
        assert chosen.missed(found)
        done.append({(t.term, t.level, t.number, t.where) for t in terms.done})
    assert not done[0] & done[1]
    with pytest.raises(InputError, match="replicas 3:3"):
        controller(0.1, numbers=range(3, 3)).run(Terms({"shared": 0.1, "change": 0.1}))


@pytest.mark.parametrize("numbers", [range(0, 1), range(5, 6), range(0, 2)])
def test_few_replicas_end(numbers):
    chosen = controller(1e-9, numbers=numbers)
    terms = Terms({"shared": 0.1, "change": 0.05})
    found = chosen.run(terms)
    assert len(terms.done) == len(set(terms.done))
    assert len(chosen.missed(found)) == 3


def test_one_replica_has_no_error_bar_and_no_finer_level():
    """Nothing tells its spread, whatever the level; with another one the run is what it is with two."""
    chosen = controller(0.1, numbers=range(3, 4))
    terms = Terms({"shared": 0.01, "change": 0.01})
    found = chosen.run(terms)
    assert {(t.term, t.level, t.number) for t in terms.done} == {("shared", 0, 3), ("change", 0, 3)}
    assert np.isinf(found.relative_error()).all() and found.value[:, 0] == pytest.approx(1.1, abs=0.1)
    [sentence] = missed_sentences(found, chosen)
    assert "at 20 K (unknown), 100 K (unknown)" in sentence and "has no error bar until it is merged" in sentence
    both = Terms({"shared": 0.01, "change": 0.01})
    chosen = controller(0.1, numbers=range(3, 5))
    assert np.isfinite(chosen.run(both).relative_error()).all() and not missed_sentences(chosen.estimate(), chosen)
    assert set(terms.done) < set(both.done)


def test_a_term_that_is_out_of_replicas_is_named():
    chosen = controller(1e-5, numbers=range(0, 2))
    found = chosen.run(Terms({"shared": 1e-7, "change": 0.1}))
    missed = chosen.missed(found)
    assert {m.name for m in missed} == {"change"}
    assert {m.reason for m in missed} == {"replicas"}


def test_the_choice_does_not_depend_on_the_clock():
    rng = np.random.default_rng(0)
    runs = []
    for seconds in (lambda task: 0.0, lambda task: float(rng.exponential(100.0))):
        terms = Terms({"shared": 0.1, "change": 0.02}, {"shared": 0.1, "change": 0.03}, seconds)
        found = controller(0.02).run(terms)
        runs.append((terms.done, found.value, found.error))
    assert runs[0][0] == runs[1][0]
    np.testing.assert_array_equal(runs[0][1], runs[1][1])
    np.testing.assert_array_equal(runs[0][2], runs[1][2])


def test_the_order_of_replicas_changes_no_digit():
    terms = Terms({"shared": 0.1, "change": 0.02}, {"shared": 0.1})
    first = controller(0.03)
    found = first.run(terms)
    shuffled = controller(0.03)
    for place in np.random.default_rng(4).permutation(len(terms.done)):
        shuffled.add(terms.replica(terms.done[place]))
        shuffled.add(terms.replica(terms.done[place]))  # known already: counts once
    again = shuffled.estimate()
    np.testing.assert_array_equal(again.value, found.value)
    np.testing.assert_array_equal(again.error, found.error)
    assert shuffled.next_tasks() == []


class Unsettled(Terms):
    """Replicas that say what a sequence inside them may leave, and how much cancels in the side jump."""

    def __init__(self, change, contributions, **more):
        super().__init__({"shared": 0.02, "change": 0.002}, {"shared": 0.02}, **more)
        self.change, self.contributions = change, contributions

    def replica(self, task):
        assert len(self.done) < 1000, "goes on for ever"
        found = super().replica(task)
        quality = [q | {"contributions": self.contributions} for q in found.quality]
        facts = {"node_change": [self.change] * len(task.where)} if task.term == "shared" else {}
        return replace(found, facts=facts, quality=quality)


@pytest.mark.parametrize("contributions", [0.0, 1.0, 30.0, 1000.0])
@pytest.mark.parametrize("change", [0.004, 0.02, 0.3])
def test_an_error_that_nothing_takes_away_ends_the_run(change, contributions):
    """Without limit of time: above the tolerance, it is left as soon as the rest hardly adds to it, with its figure."""
    chosen = controller(0.01)
    found = chosen.run(Unsettled(change, contributions))
    floor = found.relative_floors()["energy nodes"]
    errors = chosen.errors(found)
    assert (errors <= np.maximum(0.01, 1.2500001 * floor)).all()
    assert (errors >= floor).all() and not chosen.stopped
    for missed in chosen.missed(found):
        assert (missed.name, missed.reason) == ("energy nodes", "floor")
        part = int(errors[missed.place].argmax())
        assert missed.share == pytest.approx(floor[missed.place, part]) and missed.share > 0.6 * missed.error
    assert bool(chosen.missed(found)) == bool((errors > 0.01).any())
    assert (floor > 0.01).any() == (change > 0.01 or contributions > 10)


def test_more_than_enough_is_not_done_below_the_floor():
    """What is computed does not grow with a tolerance that is out of reach, and does not depend on the clock."""
    done = []
    for tolerance, seconds in ((1e-3, 0.0), (1e-6, 0.0), (1e-9, 100.0)):
        terms = Unsettled(0.05, 0.0, seconds=lambda task, seconds=seconds: seconds)
        controller(tolerance).run(terms)
        done.append(terms.done)
    assert done[0] == done[1] == done[2]


@pytest.mark.parametrize("most", [1, 2, 3])
def test_a_bias_that_no_level_takes_away_ends_the_run(most):
    """Memory holds no finer level, whose bias is above the tolerance: replicas of the last one end as well."""
    terms = Terms({"shared": 0.02, "change": 1e-5}, {"shared": 0.3}, most=lambda task: task.level >= most)
    chosen = controller(1e-5)
    chosen.limits = Limits(1e-5)
    found = chosen.run(terms)
    assert len(terms.done) < 500
    missed = chosen.missed(found)
    assert {(m.name, m.reason) for m in missed} == {("shared", "memory")}
    assert all(0.5 * m.error < m.share <= m.error for m in missed), missed


def test_sentences_name_what_stopped_it_and_how_much_it_is():
    chosen = controller(0.01)
    found = chosen.run(Unsettled(0.05, 0.0))
    [sentence] = missed_sentences(found, chosen)
    assert sentence.startswith("the error is above the tolerance of 1 % at ") and "300 K (" in sentence
    assert "no replica and no level takes away the 5 % that more energy nodes may change" in sentence


def tilted(memory):
    """Replicas, estimate and controller of a tilted cone that is asked for more than memory (bytes) allows."""
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
    )
    model = sj.MassiveDirac(mass=0.1, velocity=3.0, tilt=(0.8, 0.3))
    settings = TransportSettings(memory=memory)
    study = Study(model, (phonons,), (0.2,), np.array([20.0, 60.0]), tolerance=1e-5, settings=settings)
    [case] = plan(study)
    done = []
    found, chosen = estimate(case, watch=lambda chosen, replica: done.append(replica))
    return done, found, chosen


def test_a_real_model_ends_where_energy_nodes_do():
    """Without limit of time; memory holds too few energy nodes for the tolerance, whatever replicas and levels do."""
    done, found, chosen = tilted(8e5)
    assert len(done) < 20
    assert {(m.name, m.reason) for m in chosen.missed(found)} == {("energy nodes", "floor")}
    assert (chosen.errors(found) < 1.3 * found.relative_floors()["energy nodes"]).all()


def test_a_level_that_memory_holds_with_one_energy_node_is_not_taken():
    """Its quasi-elastic result would be no better for its points; the first level has nothing before it."""
    phonons = sj.acoustic_deformation_potential(
        deformation_potential=5.0, sound_velocity=2000.0, mass_density=7.6e-7, dimension=2
    )
    kt = KB * 60.0
    problem = Problem(sj.MassiveDirac(mass=0.1, velocity=3.0), [phonons], 0.2, TransportSettings())
    solver = SharedShell(problem, problem.solved_shell(0.2, problem.spacings.at(60.0)), kt)
    for coarsest in (True, False):
        laid = problem.laid(1.0, 0, coarsest=coarsest)
        laid.settings = replace(laid.settings, memory=1.5 * solver.needs(kt, 1))
        if coarsest:
            nodes, change, _, _ = raise_nodes(laid, solver, kt)
            assert nodes == 1 and np.isinf(change).all()
        else:
            with pytest.raises(TooLarge, match="energy nodes of 60 K"):
                raise_nodes(laid, solver, kt)


@pytest.mark.parametrize("tolerance", [0.03, 0.01, 0.003])
def test_the_time_left_is_about_what_it_takes(tolerance):
    """Foretold after each replica, over what the rest took: within a factor of three, each time of twelve."""
    terms = Terms({"shared": 0.02, "change": 0.02}, {"shared": 0.05}, seconds=lambda task: 2.5**task.level)
    chosen, foretold = controller(tolerance), []

    def spent():
        return sum(r.seconds for some in chosen.replicas.values() for r in some)

    def watch(now):
        now.before = spent()  # one worker
        if len(now.replicas["change"]) > FIRST_REPLICAS:
            foretold.append((spent(), now.seconds_left(now.estimate())))

    chosen.run(terms, watch)
    assert foretold[-1] == (spent(), 0.0)
    ratios = [np.log(left / (spent() - then)) for then, left in foretold if left > 0]
    assert abs(np.mean(ratios)) < np.log(3) and np.abs(ratios).max() < np.log(12)


def test_no_time_is_foretold_before_every_term_has_an_error_or_beyond_what_lasts():
    chosen = controller(1e-3)
    terms = Terms({"shared": 1e-5, "change": 1e-6}, {"shared": 0.1}, seconds=lambda task: 1.0)
    for number in range(FIRST_REPLICAS):
        chosen.add(terms.replica(Task("shared", 0, number, (0, 1, 2))))
    assert chosen.seconds_left(chosen.estimate()) == np.inf
    chosen.highest = {"shared": 0, "change": 0}
    found = chosen.run(terms)
    assert found.relative_error().max() > 1e-3
    assert chosen.seconds_left(found) == 0.0  # the error is brought to what lasts
    chosen.before = 4.0  # of one worker
    chosen.highest["shared"] = 1
    assert chosen.seconds_left(found) > 1.0


def test_each_group_of_temperatures_has_its_error_bars_before_the_next():
    terms = Terms({"shared": 0.02, "change": 0.005})
    groups = {"shared": [[2], [0, 1]], "change": [[0, 1, 2]]}
    seen = []
    apart = controller(0.01, groups=lambda name, level: groups[name])
    found = apart.run(terms, lambda now: seen.append(now.estimate_so_far()))
    assert [(t.where, t.number) for t in terms.done[:4]] == [((2,), 0), ((2,), 1), ((0, 1), 0), ((0, 1), 1)]
    assert [known for known, _ in seen[:3]] == [[2], [2], [0, 1, 2]]
    assert np.isinf(seen[0][1].error).all() and seen[1][1].error.shape[0] == 1
    assert (0 < seen[1][1].relative_error()).all() and (seen[1][1].relative_error() < 0.2).all()
    assert found.relative_error().max() <= 0.01
    assert {t.where for t in terms.done if t.term == "change"} == {(0, 1, 2)}
