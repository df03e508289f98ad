"""Value and error of replicas on a ladder of levels: the stated error is as often exceeded as it says."""

import numpy as np
import pytest

from sidejump.accuracy.statistics import ALONE, GAIN, Samples, moments

TEMPERATURES = np.log([10.0, 20.0, 40.0, 80.0, 150.0, 300.0])
TRUTH = np.linspace(1.0, 2.0, len(TEMPERATURES))


def ladder(rng, levels, replicas, bias, spread, gain):
    """Replicas of all levels at all temperatures; bias and spread are those of the first level, of every draw."""
    everywhere = np.arange(len(TEMPERATURES))
    samples = []
    for level in range(levels):
        noise = rng.normal(size=(replicas, len(TEMPERATURES), *np.shape(gain)))
        truth = np.expand_dims(TRUTH, tuple(range(1, 1 + np.ndim(gain))))
        samples.append(Samples(level, everywhere, truth + gain**level * (bias + spread * noise)))
    return samples


def deviations(levels, replicas, bias, spread, draws=2000, seed=0):
    """(|value - truth| / error, error, |value - truth|) of many draws, all temperatures, as the elements of a tensor;
    the gain of a level is drawn as well."""
    rng = np.random.default_rng(seed)
    gain = rng.uniform(0.2, GAIN, size=draws)
    found = moments(ladder(rng, levels, replicas, bias * rng.normal(size=draws), spread, gain), TEMPERATURES)
    true = np.abs(found.value - TRUTH[:, None])
    return true / found.error, found.error, true


@pytest.mark.parametrize("bias", [0.0, 0.02, 0.1])
@pytest.mark.parametrize("replicas", [2, 3, 6])
@pytest.mark.parametrize("levels", [2, 3])
def test_the_error_covers_the_truth(levels, replicas, bias):
    ratio, error, true = deviations(levels, replicas, bias, spread=0.03)
    assert np.mean(ratio < 1) >= 0.60
    assert np.mean(ratio < 2) >= 0.92
    assert np.mean(ratio < 4) >= 0.99
    # nor is it wide beyond use: a gaussian has its median at 0.67 of its standard error
    assert np.median(error) < 7 * np.median(true)


def test_one_level_alone_is_taken_to_be_off():
    found = moments(ladder(np.random.default_rng(1), 1, 3, 0.0, 0.01, 0.5), TEMPERATURES)
    assert np.all(found.systematic >= ALONE * np.abs(found.value) * (1 - 1e-12))
    assert np.all(np.isfinite(found.error))
    assert np.all(found.level == 0) and np.all(found.replicas == 3)


def test_a_single_replica_has_no_error():
    found = moments([Samples(0, np.arange(6), TRUTH[None])], TEMPERATURES)
    np.testing.assert_array_equal(found.value, TRUTH)
    assert np.all(np.isinf(found.error))


def test_a_single_replica_of_two_levels_has_no_spread():
    samples = [Samples(level, np.arange(6), TRUTH[None]) for level in (0, 1)]
    assert np.all(np.isinf(moments(samples, TEMPERATURES).error))


def test_temperatures_may_have_different_levels():
    rng = np.random.default_rng(2)
    low = Samples(0, np.arange(6), TRUTH + 0.05 * rng.normal(size=(3, 6)))
    high = Samples(1, np.array([0, 1, 5]), TRUTH[[0, 1, 5]] + 0.02 * rng.normal(size=(2, 3)))
    found = moments([low, high], TEMPERATURES)
    np.testing.assert_array_equal(found.level, [1, 1, 0, 0, 0, 1])
    np.testing.assert_array_equal(found.replicas, [2, 2, 3, 3, 3, 2])
    np.testing.assert_allclose(found.value[[0, 1, 5]], high.values.mean(axis=0), rtol=1e-14)
    np.testing.assert_allclose(found.value[2:5], low.values.mean(axis=0)[2:5], rtol=1e-14)
    assert np.all(np.isfinite(found.error))


def test_a_temperature_without_replicas_is_not_a_number():
    found = moments([Samples(0, np.array([1]), np.array([[1.0], [1.1]]))], TEMPERATURES)
    assert np.isnan(found.value[0]) and found.level[0] == -1 and found.replicas[0] == 0
    assert np.isfinite(found.value[1]) and np.isfinite(found.error[1])


def test_tensors_are_treated_element_by_element():
    rng = np.random.default_rng(3)
    tensors = [Samples(level, np.arange(6), rng.normal(size=(3, 6, 2, 2))) for level in (0, 1)]
    whole = moments(tensors, TEMPERATURES)
    one = moments([Samples(s.level, s.where, s.values[..., 1, 0]) for s in tensors], TEMPERATURES)
    np.testing.assert_allclose(whole.value[..., 1, 0], one.value, rtol=1e-13)
    np.testing.assert_allclose(whole.error[..., 1, 0], one.error, rtol=1e-10)


def test_shells_of_another_spacing_do_not_count_together():
    """Neighbours of which one half has points twice as close, and a tenth of the spread: each keeps its own."""
    temperatures = np.log(np.array([10.0, 11.0, 12.0, 13.0, 14.0, 15.0]))
    spread, spacing = np.array([0.001] * 3 + [0.01] * 3), np.array([0.1] * 3 + [0.2] * 3)
    rng = np.random.default_rng(5)
    apart, together = [], []
    for _ in range(200):
        values = 1 + spread * rng.normal(size=(3, 6))
        for found, kind in ((apart, spacing), (together, None)):
            found.append(moments([Samples(0, np.arange(6), values, kind)], temperatures).statistical)
    apart, together = (np.sqrt(np.mean(np.square(x), axis=0)) for x in (apart, together))
    truth = spread / np.sqrt(3)
    assert (apart[:3] < 2 * truth[:3]).all() and (together[:3] > 3 * truth[:3]).all()
    assert (apart[3:] > truth[3:]).all() and (together[3:] < 0.9 * apart[3:]).all()


def test_a_steep_quantity_keeps_its_relative_spread():
    """A conductivity that falls as T^-5 within the window: cold spread is not lent to warm values."""
    temperatures = np.geomspace(20.0, 60.0, 8)
    size, rng = temperatures[:, None] ** -5.0, np.random.default_rng(6)
    found = {True: [], False: []}
    for _ in range(100):
        values = size * (1 + 0.01 * rng.normal(size=(3, 8, 1)))
        for known, errors in found.items():
            unit = size if known else None
            errors.append(moments([Samples(0, np.arange(8), values)], np.log(temperatures), unit).statistical / size)
    right, wrong = (np.sqrt(np.mean(np.square(found[known]), axis=0))[:, 0] for known in (True, False))
    np.testing.assert_allclose(right, 0.01 / np.sqrt(3), rtol=0.5)
    assert wrong[-1] > 2 * right[-1]


def test_a_unit_changes_no_value():
    rng, unit = np.random.default_rng(7), np.array([1e6, 1e5, 1e3, 1e2, 10.0, 1.0])
    samples = [Samples(level, np.arange(6), unit * rng.normal(1, 0.1, size=(3, 6))) for level in (0, 1)]
    with_unit, without = (moments(samples, TEMPERATURES, u) for u in (unit, None))
    np.testing.assert_allclose(with_unit.value, without.value, rtol=1e-14)
    np.testing.assert_array_equal(with_unit.level, without.level)


@pytest.mark.parametrize("difference, expected", [(0.0, "prior"), (0.3, "difference")])
def test_what_two_levels_say_of_the_bias(difference, expected):
    """Within the noise it is not above what a level is taken to be off by; far beyond it the difference itself."""
    everywhere, spread = np.arange(6), 0.01
    one = np.array([1.0 - spread, 1.0 + spread])[:, None] * np.ones(6)
    samples = [Samples(0, everywhere, one), Samples(1, everywhere, 1 + difference + 0.2 * (one - 1))]
    found = moments(samples, TEMPERATURES)
    if expected == "prior":
        assert (found.systematic < GAIN * np.sqrt(2) * spread).all()
        assert (found.systematic > 0.3 * GAIN * spread).all() and (found.coarser > 0).all()
    else:
        np.testing.assert_allclose(found.systematic, GAIN / (1 - GAIN) * difference, rtol=0.02)


def test_a_value_that_passes_through_zero_is_not_exact_there():
    temperatures = np.log([50.0, 60.0, 70.0])
    found = moments([Samples(0, np.arange(3), np.tile([-1.0, 0.0, 1.0], (2, 1)))], temperatures)
    assert found.error[0] == pytest.approx(ALONE) and ALONE / 2 < found.error[1] < ALONE
    assert not moments([Samples(0, np.arange(3), np.zeros((2, 3)))], temperatures).error.any()


POINTS = np.log2([26.0, 50.0, 110.0, 110.0, 302.0])
"""Of the levels of a rule that has no finer one at the fourth; each level of a surface has twice the points."""


def rule(levels, error=0.02, replicas=2, noise=0.0):
    """A value whose error falls as the number of points, without an error of its own."""
    rng = np.random.default_rng(9)
    return [
        Samples(
            level,
            np.arange(6),
            TRUTH * (1 + error * 2.0 ** (POINTS[0] - POINTS[level])) + noise * rng.normal(size=(replicas, 6)),
            fineness=np.full(6, POINTS[level]),
        )
        for level in levels
    ]


def test_a_level_without_further_points_tells_nothing():
    before, same = (moments(rule(range(count)), TEMPERATURES) for count in (3, 4))
    np.testing.assert_array_equal(same.below, 1)  # the next coarser one that is another
    np.testing.assert_allclose(same.systematic, before.systematic, rtol=0.2)
    for count in range(2, 6):
        found = moments(rule(range(count)), TEMPERATURES)
        assert (np.abs(found.value - TRUTH) < 2 * found.error).all()


def test_levels_that_are_all_the_same_are_one():
    one, two = rule([3]), [*rule([2]), *rule([3])]
    alone, both = (moments(some, TEMPERATURES) for some in (one, two))
    np.testing.assert_array_equal(both.below, -1)
    np.testing.assert_allclose(both.error, alone.error, rtol=1e-12)
    # nor do copies of the same points make their spread better known
    one = rule([3], noise=0.01)
    two = [Samples(2, s.where, s.values, None, s.fineness) for s in one] + one
    alone, both = (moments(some, TEMPERATURES) for some in (one, two))
    np.testing.assert_allclose(both.statistical, alone.statistical, rtol=1e-12)


def test_levels_that_hardly_grow_say_little():
    """The difference of levels with a few more points is taken for what so few more of them change."""
    known = np.log2([100.0, 145.0])
    values = [1 + 0.02 * 2.0 ** (known[0] - x) for x in known]
    samples = [
        Samples(level, np.arange(6), np.full((2, 6), values[level]), fineness=np.full(6, known[level]))
        for level in (0, 1)
    ]
    found = moments(samples, TEMPERATURES)
    np.testing.assert_allclose(found.systematic, values[1] - 1, rtol=0.05)
    without = moments([Samples(s.level, s.where, s.values) for s in samples], TEMPERATURES)
    assert (without.systematic < 0.6 * (values[1] - 1)).all()
