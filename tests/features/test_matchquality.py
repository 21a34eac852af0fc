import numpy as np

from skyquarry.features.making import features_of

WIDE = {
    "group_id": ["a", "b"], "posterior": [0.99, 1.0], "runner_up": [0.01, 0.0],
    "chi2": [3.0, 0.0], "dof": [2, 0], "p_value": [0.22, 1.0], "n": [2, 1],
    "wise_w1mpro": [13.0, 14.0],
}  # fmt: skip


def test_the_quality_of_a_match_is_a_feature_and_its_bookkeeping_is_not():
    made = features_of(WIDE, "wise")
    told = dict(zip(made.names, made.values.T.tolist(), strict=True))
    assert [round(each, 2) for each in told["match_posterior"]] == [0.99, 1.0]
    assert told["match_chi2_dof"][0] == 1.5
    assert np.isnan(told["match_chi2_dof"][1])
    refused = dict(made.refused)
    assert refused["n"].startswith("bookkeeping")
    assert refused["group_id"].startswith("bookkeeping")


def test_one_degree_of_freedom_is_one():
    made = features_of(WIDE | {"dof": [1, 1]}, "wise", which=["match_chi2_dof"])
    assert made.values[:, 0].tolist() == [3.0, 0.0]


def test_a_posterior_of_another_table_is_not_taken_for_ours():
    made = features_of({"posterior": [0.5], "w1mpro": [13.0]}, "wise")
    assert "match_posterior" not in made.names
