"""Shift: what differs is told, what is alike is not; the alarm on real surveys; EM behind it."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest

from skyquarry.errors import UserError
from skyquarry.learn import labelshift, novelty, shift
from skyquarry.learn.domains import separator, told_apart
from skyquarry.learn.splits import folds, sky_groups

CENTRES = np.array([[0.0, 0.0], [2.5, 0.0], [0.0, 2.5]])


def sky(n, shares, seed, move=0.0):
    random = np.random.default_rng(seed)
    label = random.choice(3, n, p=shares)
    x = CENTRES[label] + random.normal(0, 0.8, (n, 2)) + [move, 0.0]
    return x, label


def posterior(x, shares):
    like = np.exp(-((x[:, None] - CENTRES) ** 2).sum(axis=2) / 2 / 0.64) * shares
    return like / like.sum(axis=1, keepdims=True)


# ------------------------------------------------------------------ two samples
def test_samples_of_one_sky_are_not_told_apart_and_their_area_has_its_error():
    areas = []
    for seed in range(6):
        a, b = (sky(700, [0.5, 0.3, 0.2], 2 * seed + k)[0] for k in range(2))
        told = told_apart(a, b, seed=seed)
        assert not told.different
        areas.append((told.area - 0.5) / told.error)
    assert np.abs(areas).max() < 3.5
    assert abs(np.mean(areas)) < 1.0


def test_another_mix_a_bent_locus_or_more_gaps_are_told():
    a, _ = sky(2_000, [0.5, 0.3, 0.2], 0)
    other, _ = sky(2_000, [0.2, 0.3, 0.5], 1)
    assert told_apart(a, other).different
    random = np.random.default_rng(2)
    ring = random.normal(size=(2_000, 2))
    ring *= (1.5 / np.linalg.norm(ring, axis=1))[:, None]  # same mean and variance as a disc
    disc = random.normal(size=(2_000, 2)) * ring.std()
    assert told_apart(ring, disc).area > 0.8
    gaps = a.copy()
    gaps[random.random(2_000) < 0.3, 1] = np.nan
    assert told_apart(sky(2_000, [0.5, 0.3, 0.2], 3)[0], gaps).different


def test_the_ratio_of_densities_is_that_of_the_mixes():
    a, _ = sky(6_000, [0.8, 0.1, 0.1], 0)
    b, _ = sky(6_000, [0.2, 0.1, 0.7], 1)
    x, _ = sky(2_000, [0.4, 0.3, 0.3], 2)
    like = np.exp(-((x[:, None] - CENTRES) ** 2).sum(axis=2) / 2 / 0.64)
    truth = (like @ [0.2, 0.1, 0.7]) / (like @ [0.8, 0.1, 0.1])
    told = separator(a, b).ratio(x)
    assert np.median(np.abs(np.log(told / truth))) < 0.2


def test_samples_that_cannot_be_compared_are_an_error():
    with pytest.raises(UserError, match="same features"):
        told_apart(np.zeros((100, 2)), np.zeros((100, 3)))
    with pytest.raises(UserError, match="100 and 3 rows"):
        told_apart(np.zeros((100, 2)), np.zeros((3, 2)))


# ------------------------------------------------------------------ shares of classes
def test_shares_are_found_where_only_they_have_changed():
    train, label = sky(6_000, [0.5, 0.3, 0.2], 0)
    x, _ = sky(6_000, [0.15, 0.25, 0.6], 1)
    told = labelshift.shares_of(posterior(x, [0.5, 0.3, 0.2]), x, train_values=train,
                                train_labels=label, train_shares=[0.5, 0.3, 0.2])  # fmt: skip
    assert told.shares == pytest.approx([0.15, 0.25, 0.6], abs=0.02)
    assert not told.test.different


def test_shares_are_refused_where_the_classes_look_different():
    train, label = sky(6_000, [0.5, 0.3, 0.2], 0)
    x, _ = sky(6_000, [0.5, 0.3, 0.2], 1, move=0.8)
    with pytest.raises(UserError, match=r"told from the sample with an area.*label some hundred"):
        labelshift.shares_of(posterior(x, [0.5, 0.3, 0.2]), x, train_values=train,
                             train_labels=label, train_shares=[0.5, 0.3, 0.2])  # fmt: skip


# ------------------------------------------------------------------ the alarm
def test_a_batch_rings_where_its_rows_alone_do_not():
    train, label = sky(6_000, [0.5, 0.3, 0.2], 0)
    seen = novelty.fit(train, label, columns=[0, 1])
    same, _ = sky(2_000, [0.5, 0.3, 0.2], 1)
    wider = CENTRES[label[:2_000]] + np.random.default_rng(2).normal(0, 1.6, (2_000, 2))
    batches = np.arange(2_000) // 100
    assert shift.alarm(seen, same, batches).rings.mean() < 0.05
    told = shift.alarm(seen, wider, batches)
    assert told.rows.mean() < 0.5
    assert told.batches.mean() > 0.9


def test_small_batches_are_not_judged():
    train, label = sky(3_000, [0.5, 0.3, 0.2], 0)
    seen = novelty.fit(train, label, columns=[0, 1])
    told = shift.alarm(seen, np.full((10, 2), 50.0))
    assert told.rows.all()
    assert not told.batches.any()


# ------------------------------------------------------------------ real surveys
def sdss(folder, name, ra, dec):
    table = pq.read_table(folder / "labels" / f"{name}.parquet")
    mags = np.stack([table[band].to_numpy() for band in "ugriz"], axis=1)
    mags = np.where(mags < -100, np.nan, mags)
    values = np.concatenate([mags, mags[:, :-1] - mags[:, 1:]], axis=1)
    label = np.searchsorted(["GALAXY", "QSO", "STAR"], table["class"].to_pylist())
    return values, label, sky_groups(table[ra].to_numpy(), table[dec].to_numpy(), 4)


@pytest.fixture(scope="module")
def surveys(shared_data):
    bright = sdss(shared_data, "sdss_dr14_10k", "ra", "dec")
    return bright, sdss(shared_data, "sdss_dr17_10k", "alpha", "delta")


def test_from_bright_to_deep_sdss_rows_ring_one_by_one_and_within_bright_they_do_not(surveys):
    (values, label, cells), (deep, _, _) = surveys
    fold = folds(label, cells, 5, 0)
    inside, beyond, every, batch = [], [], [], []
    outside = deep[:, 0] > 19.6  # DR14's rows end at u = 19.6: the rest of DR17 lies inside of it
    assert 0.8 < outside.mean() < 0.9
    for each in range(5):
        seen = fold != each
        judge = novelty.fit(values[seen], label[seen], cells[seen])
        rings = shift.alarm(judge, values[~seen]).rings
        inside.append([rings.mean(), *(rings[label[~seen] == k].mean() for k in range(3))])
        told = shift.alarm(judge, deep)
        beyond.append(told.rows[outside].mean())
        every.append(told.rows.mean())
        batch.append(told.rings.mean())
    whole, *by_class = np.mean(inside, axis=0)
    assert whole <= 0.05
    assert max(by_class) <= 0.07  # a rare class rings no more often than a common one
    assert np.mean(beyond) >= 0.99
    assert np.mean(every) >= 0.85
    assert np.mean(batch) >= 0.90


@pytest.mark.parametrize(
    ("faint", "deeper"), [((0.0, 19.5), (20.5, 99.0)), ((20.0, 99.0), (0.0, 19.0))]
)
def test_another_depth_of_one_survey_rings_either_way(surveys, faint, deeper):
    _, (values, label, cells) = surveys
    r = values[:, 2]
    train, other = ((r > low) & (r < high) for low, high in (faint, deeper))
    fold = folds(label[train], cells[train], 5, 0)
    judge = novelty.fit(values[train][fold > 0], label[train][fold > 0], cells[train][fold > 0])
    assert shift.alarm(judge, values[other]).rows.mean() >= 0.98
    assert shift.alarm(judge, values[train][fold == 0]).rows.mean() <= 0.06


def test_shares_of_deep_sdss_are_refused_by_a_model_of_bright_sdss(surveys):
    (values, label, cells), (deep, _, others) = surveys
    share = np.bincount(label) / len(label)
    means = np.stack([values[label == k].mean(axis=0) for k in range(3)])
    like = np.exp(
        -0.5 * (((np.nan_to_num(deep)[:, None] - means) / values.std(axis=0)) ** 2).sum(2)
    )
    p = (like + 1e-9) * share
    with pytest.raises(UserError, match=r"area under the curve of 0\.9"):
        labelshift.shares_of(
            p / p.sum(axis=1, keepdims=True), deep, train_values=values, train_labels=label,
            train_shares=share, groups=(cells, others),
        )  # fmt: skip


@pytest.mark.parametrize("row", [[0.0, 0.0, 0.0], [np.nan, 0.5, 0.5], [-0.1, 0.6, 0.5]])
def test_shares_of_what_is_no_probability_are_refused(row):
    """They were NaN."""
    with pytest.raises(UserError, match="a row of zeros"):
        labelshift.maximised(np.array([[0.2, 0.3, 0.5], row]), np.full(3, 1 / 3))
