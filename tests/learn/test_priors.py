"""Priors: counts of a biased sample come out right, and what would count twice is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest

from skyquarry.errors import DamagedError, UserError
from skyquarry.learn import priors

MEAN = np.array([[0.0, 0.0], [1.5, 0.3], [0.4, 1.4]])
EDGES = np.arange(16.0, 22.51, 0.5)


def shares(magnitude, tilt):
    """True shares that move with magnitude: a third class that is rare where it is bright."""
    scores = np.stack(
        [
            0.0 * magnitude,
            tilt[0] + 0.3 * tilt[1] * (magnitude - 19),
            tilt[2] + 0.6 * (magnitude - 20),
        ],
        1,
    )
    raised = np.exp(scores)
    return raised / raised.sum(axis=1, keepdims=True)


def sample(n, tilt, slope, seed):
    """Objects of a mix, their number rising with magnitude as 10^(slope m)."""
    random = np.random.default_rng(seed)
    growth = slope * np.log(10)
    u = random.random(n)
    magnitude = 16 + np.log1p(u * np.expm1(growth * 6.5)) / growth if growth else 16 + 6.5 * u
    share = shares(magnitude, tilt)
    label = (share.cumsum(axis=1) < random.random((n, 1))).sum(axis=1)
    return MEAN[label] + random.normal(0, 0.8, (n, 2)), label, magnitude


def trained(x, magnitude, label):
    """Logistic regression, knowing the magnitude: the ideal model but for its finite sample."""
    from scipy.optimize import minimize

    def design(x, magnitude):
        m = (magnitude - 19) / 3
        return np.column_stack([np.ones(len(m)), x, m, m**2])

    a, target = design(x, magnitude), np.eye(3)[label]

    def loss(w):
        s = a @ w.reshape(-1, 3)
        s -= s.max(axis=1, keepdims=True)
        p = np.exp(s)
        p /= p.sum(axis=1, keepdims=True)
        return -np.log(p[np.arange(len(label)), label]).mean(), (a.T @ (p - target)).ravel() / len(
            a
        )

    w = minimize(loss, np.zeros(15), jac=True, method="L-BFGS-B").x.reshape(-1, 3)

    def predict(x, magnitude):
        s = np.exp(design(x, magnitude) @ w)
        return s / s.sum(axis=1, keepdims=True)

    return predict


def test_class_counts_of_a_magnitude_biased_sample_come_out_within_three_percent():
    bright, faint = ((-0.5, 0.0, -0.5), 0.0), ((0.3, 1.0, -1.8), 0.3)
    x, label, magnitude = sample(200_000, *bright, seed=1)
    unseen, truth, deep = sample(200_000, *faint, seed=2)
    _, other, mag = sample(200_000, *faint, seed=3)  # the declared mix of the sky, counted
    predict = trained(x, magnitude, label)
    train = priors.of_labels(label, 3, magnitude=magnitude, magnitude_edges=EDGES)
    new = priors.of_labels(other, 3, magnitude=mag, magnitude_edges=EDGES)
    p = predict(unseen, deep)
    counts = np.bincount(truth)
    before = p.sum(axis=0) / counts
    after = priors.reprior(p, train, new, magnitude=deep).sum(axis=0) / counts
    assert np.abs(before - 1).max() > 0.3
    assert np.abs(after - 1).max() < 0.03


def test_a_prior_that_forgets_the_magnitude_is_refused():
    train = priors.of_labels(
        np.array([0, 1]), 2, magnitude=[15.0, 16.0], magnitude_edges=[14, 15.5, 17]
    )
    with pytest.raises(UserError, match=r"hangs on magnitude, the new one on nothing.*twice"):
        priors.reprior(np.full((2, 2), 0.5), train, priors.constant([0.9, 0.1]), magnitude=[15, 16])


def test_reprior_is_bayes_rule_and_undoes_itself():
    p = np.array([[0.5, 0.5], [0.9, 0.1]])
    a, b = priors.constant([0.5, 0.5]), priors.constant([99, 1])
    told = priors.reprior(p, a, b)
    assert told[0] == pytest.approx([0.99, 0.01])
    assert told[1] == pytest.approx([0.9 * 99 / (0.9 * 99 + 0.1), 0.1 / (0.9 * 99 + 0.1)])
    assert priors.reprior(told, b, a) == pytest.approx(p)


def test_shares_are_interpolated_and_constant_beyond_and_overall_where_unknown():
    counts = np.array([[[900, 100]], [[100, 900]]]) * 1_000
    told = priors.of_counts(counts, [16.0, 20.0]).at(4, magnitude=[10.0, 18.0, 30.0, np.nan])
    assert told[:, 0] == pytest.approx([0.9, 0.5, 0.1, 0.5], abs=1e-4)


def test_latitude_counts_by_its_size():
    counts = np.array([[[1, 9], [9, 1]]]) * 100_000
    prior = priors.of_counts(counts, latitudes=[10.0, 80.0])
    assert prior.variables == ("latitude",)
    assert prior.at(2, latitude_deg=[-80.0, 80.0])[:, 0] == pytest.approx([0.9, 0.9], abs=1e-3)


def test_no_class_is_impossible_where_none_happened_to_be_counted():
    prior = priors.of_counts(np.array([[[50, 0]], [[500, 40]]]), [15.0, 20.0])
    assert 0.001 < prior.at(1, magnitude=[15.0])[0, 1] < 0.02


def test_priors_come_back_from_json():
    prior = priors.of_counts(np.arange(1, 13).reshape(2, 2, 3), [15.0, 20.0], [20.0, 60.0])
    again = priors.Priors.from_json(json.loads(json.dumps(prior.to_json())))
    where = {"magnitude": [14.0, 17.3], "latitude_deg": [-33.0, np.nan]}
    assert np.array_equal(prior.at(2, **where), again.at(2, **where))
    with pytest.raises(DamagedError, match="does not fit"):
        priors.Priors.from_json(prior.to_json() | {"magnitudes": []})


def test_a_prior_without_the_magnitude_it_hangs_on_is_an_error():
    prior = priors.of_counts(np.ones((1, 1, 2)), [15.0])
    with pytest.raises(UserError, match="magnitude is None"):
        prior.at(3)
    with pytest.raises(UserError, match="shares are"):
        priors.constant([-1.0, 2.0])


def test_a_class_that_the_training_mix_has_none_of_is_an_error():
    """Its ratio was that of a share to nothing: every row was of that class."""
    p = np.array([[0.5, 0.1, 0.4]])
    with pytest.raises(UserError, match="class number 1 is in the new mix, but the training mix"):
        priors.reprior(p, priors.constant([0.5, 0.0, 0.5]), priors.constant([0.2, 0.3, 0.5]))
    told = priors.reprior(p, priors.constant([0.4, 0.2, 0.4]), priors.constant([0.5, 0.0, 0.5]))
    assert told[0, 1] < 1e-8


def test_a_class_that_the_new_mix_has_none_of_gets_nothing_however_sure_the_model_was():
    """A share of 0 counted as one in a billion: a row of p = 1 kept it."""
    old, new = priors.constant([5, 3, 2]), priors.constant([0, 1, 3])
    p = np.array([[1.0, 0.0, 0.0], [1.0 - 1e-12, 1e-12, 0.0], [0.2, 0.5, 0.3]])
    told = priors.reprior(p, old, new)
    assert (told[:, 0] == 0).all()
    assert told[0] == pytest.approx([0, 0.25, 0.75])  # nothing is known of it
    assert told[1] == pytest.approx([0, 1, 0])
    assert told[2] == pytest.approx(np.array([0, 0.5 / 3, 3 * 0.3 / 2]) / (0.5 / 3 + 0.45))


def test_a_magnitude_that_is_not_finite_is_an_unknown_one():
    """One infinite magnitude made the place of its bin infinite, and shares there NaN."""
    label = np.arange(300) % 3
    magnitude = np.linspace(16, 22, 300)
    plain = priors.of_labels(label[2:], 3, magnitude=magnitude[2:], magnitude_edges=range(16, 23))
    magnitude[:2] = np.inf, -np.inf
    made = priors.of_labels(label, 3, magnitude=magnitude, magnitude_edges=range(16, 23))
    assert made.to_json() == plain.to_json()
    asked = made.at(4, np.array([np.inf, -np.inf, np.nan, 19.0]))
    assert np.isfinite(asked).all()
    assert (asked[:2] == asked[2]).all()


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"labels": [0, 1, 7]}, "a label is 7, but classes go from 0 to 2"),
        ({"labels": [0, 1, 2], "weights": [1, np.nan, 1]}, "hold NaN or less than 0"),
        ({"labels": [0, 1, 2], "weights": [1, 1]}, "not one a row"),
        ({"labels": [-1, -1]}, "some object has to be counted"),
        ({"labels": [0, 1], "magnitude": [np.nan] * 2, "magnitude_edges": (16, 17)}, "none of 2"),
        ({"labels": [0, 1], "magnitude": [16, 17], "magnitude_edges": (18, 16)}, "have to rise"),
        ({"labels": [0, 1], "magnitude": [16, 17], "magnitude_edges": (16, 16)}, "have to rise"),
    ],
)
def test_rows_of_which_no_prior_can_be_made_are_told(told, words):
    with pytest.raises(UserError, match=words):
        priors.of_labels(kinds=3, **told)


def test_numbers_that_are_none_are_refused():
    """They came out as NaN."""
    for wrong in (np.nan, np.inf, -1.0):
        with pytest.raises(UserError, match="each is a number of 0 or more"):
            priors.of_counts([[[1.0, wrong, 2.0]]])
    flat = priors.constant([1, 1])
    for wrong in (np.nan, -1.0, np.inf):
        with pytest.raises(UserError, match="hold NaN, infinity or less than 0"):
            priors.reprior([[wrong, 0.5]], flat, flat)
    for shares in ([[[float("nan"), 1.0]]], [[[-1.0, 2.0]]], [[[]]]):
        with pytest.raises(DamagedError, match="save them again"):
            priors.Priors.from_json({"shares": shares, "magnitudes": [], "latitudes": []})
