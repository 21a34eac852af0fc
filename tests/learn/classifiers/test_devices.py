from __future__ import annotations

import ctypes
from types import SimpleNamespace

import pytest

from skyquarry.errors import UserError
from skyquarry.learn.classifiers import devices
from skyquarry.learn.classifiers.devices import device_of, gpus
from skyquarry.learn.classifiers.pace import training
from skyquarry.learn.classifiers.registry import kind_of
from skyquarry.testing.classes import objects

FEW = {"xgboost": {"rounds": 5}, "network": {"epochs": 1, "width": 8, "members": 1}}


@pytest.mark.parametrize(
    ("asked", "there", "used"),
    [("auto", True, "cuda"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("cuda", True, "cuda")],
)
def test_a_gpu_is_used_where_there_is_one_and_none_forbids_it(asked, there, used):
    assert device_of(asked, "it lacks", there=there) == used


def test_a_device_nobody_knows_is_an_error_that_names_those_there_are():
    with pytest.raises(UserError, match="device is 'gpu', but it is one of 'auto', 'cpu', 'cuda'"):
        device_of("gpu", "it lacks", there=True)


@pytest.fixture(params=["xgboost", "network"])
def name(request):
    pytest.importorskip({"xgboost": "xgboost", "network": "torch"}[request.param],
                        reason="the learner's package is not installed")  # fmt: skip
    if gpus():
        pytest.skip("this machine has a GPU")
    return request.param


def test_without_a_gpu_cuda_is_an_error_that_says_what_to_try(name):
    with pytest.raises(UserError, match=r"device is 'cuda', but .* need(s|ed) .*'auto'"):
        kind_of(name)(**FEW[name], device="cuda").fit(objects(90))


def test_without_a_gpu_the_processor_gives_the_bits_it_gives_when_asked_for(name):
    values = objects(50, seed=3).values
    auto, asked = (
        kind_of(name)(**FEW[name], device=each).fit(objects(90), seed=1) for each in ("auto", "cpu")
    )
    assert kind_of(name)().settings()["device"] == "auto"
    assert (auto.predict_proba(values) == asked.predict_proba(values)).all()


def test_what_was_learnt_on_a_gpu_predicts_without_one(name, tmp_path):
    learnt = kind_of(name)(**FEW[name]).fit(objects(90), seed=1)
    learnt.device = "cuda"  # as its file would say
    learnt.save(tmp_path)
    loaded = kind_of(name).load(tmp_path)
    values = objects(50, seed=3).values
    assert loaded.settings()["device"] == "cuda"
    assert (loaded.predict_proba(values) == learnt.predict_proba(values)).all()


def test_a_build_with_cuda_and_a_gpu_grow_trees_there(monkeypatch):
    xgboost = pytest.importorskip("xgboost", reason="the extra learn is not installed")
    from skyquarry.learn.classifiers import xgboost as ours

    asked = []

    def booster(options, *_):
        asked.append(options["device"])
        raise _Seen

    monkeypatch.setattr(xgboost, "build_info", lambda: {"USE_CUDA": True})
    monkeypatch.setattr(ours, "gpus", lambda: 1)
    monkeypatch.setattr(xgboost, "Booster", booster)
    for device in ("auto", "cuda", "cpu"):
        with pytest.raises(_Seen):
            ours.XGBoost(rounds=2, device=device).fit(objects(90))
    assert asked == ["cuda", "cuda", "cpu"]
    monkeypatch.setattr(ours, "gpus", lambda: 0)
    with pytest.raises(UserError, match="no driver knows one"):
        ours.XGBoost(device="cuda").fit(objects(90))


def test_gpus_are_counted_by_the_driver(monkeypatch):
    def count(into):
        into._obj.value = 2
        return 0

    known = SimpleNamespace(cuInit=lambda _: 0, cuDeviceGetCount=count)
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda _: known)
    assert gpus() == 2
    known.cuInit = lambda _: 100  # CUDA_ERROR_NO_DEVICE
    assert gpus() == 0


def test_without_a_driver_there_are_no_gpus(monkeypatch):
    def none(_):
        raise OSError

    monkeypatch.setattr(ctypes, "CDLL", none)
    assert gpus() == 0


class _Seen(Exception):  # noqa: N818  (no error: how far a fit came)
    pass


def test_a_fit_on_a_gpu_does_not_go_on_with_what_the_processor_left():
    pytest.importorskip("xgboost", reason="the extra learn is not installed")
    some, kind = objects(90), kind_of("xgboost")
    words = {training(kind(device=each), some, None, 0, "3.2.0") for each in devices.DEVICES}
    assert len(words) == 1
    assert training(kind(), some, None, 0, "3.2.0 on a GPU") not in words
