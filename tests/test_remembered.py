"""What is kept of a model, and that it is forgotten when the model changes."""

import gc
import weakref

import numpy as np
import pytest

import sidejump as sj
from sidejump.bands.remembered import remembered


def changing(x):
    return sj.FunctionModel(lambda k: x[0] * np.sum(k**2, axis=1)[:, None, None], dimension=2)


@pytest.fixture
def counted():
    calls = []

    @remembered
    def function(model, energy, *bands):
        calls.append((energy, *bands))
        return len(calls)

    return function


def test_the_same_question_is_asked_once(counted):
    function = counted
    model = changing([1.0])
    assert [function(model, 0.1), function(model, 0.1), function(model, 0.2), function(model, 0.1)] == [1, 1, 2, 1]
    assert function(model, 0.1, 3) == 3
    assert function(changing([1.0]), 0.1) == 4  # of another model


def test_a_changed_model_is_another(counted):
    function = counted
    mass = [1.0]
    model = changing(mass)
    function(model, 0.1)
    mass[0] = 1.0 + 1e-12
    assert function(model, 0.1) == 2
    model.search_half_width = 3.0
    assert function(model, 0.1) == 3


def test_lattices_are_probed_in_their_cell(counted):
    function = counted
    hopping = [0.1]
    model = sj.FunctionModel(
        lambda k: (hopping[0] * np.cos(k[:, 0]) + 0.1 * np.cos(k[:, 1]))[:, None, None], dimension=2, cell=np.eye(2)
    )
    function(model, 0.0)
    hopping[0] = 0.2
    assert function(model, 0.0) == 2 and function(model, 0.0) == 2


def test_models_are_not_kept_alive(counted):
    function = counted
    model = changing([1.0])
    function(model, 0.1)
    seen = weakref.ref(model)
    del model
    gc.collect()
    assert seen() is None


def test_models_are_asked_within_their_box_alone(counted):
    function = counted
    seen = []

    def h(k):
        seen.append(np.abs(k).max())
        return np.sum(k**2, axis=1)[:, None, None]

    model = sj.FunctionModel(h, dimension=2, search_half_width=0.7)
    seen.clear()
    function(model, 0.1)
    assert 0.6 < max(seen) <= 0.7
