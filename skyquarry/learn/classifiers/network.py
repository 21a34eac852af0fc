"""A neural network for tables. The importer of torch.

Each number is told by how far it lies through the quantiles of its feature (piecewise-linear
encoding) and by a small layer of its own (Gorishniy et al. 2022, arXiv 2203.05556); what is not
measured is told as such. Several members, who share all but their first scaling and their last
layer, give the mean of their probabilities (Gorishniy et al. 2025, arXiv 2410.24210, TabM-mini).
Classes weigh in the loss by a power of their rarity; the probabilities are brought back to the mix
of the training set. All random numbers come from one generator, which a checkpoint holds. Layers
lie on a GPU where there is one that torch knows.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

import numpy as np

from skyquarry.learn import arrays
from skyquarry.learn.blocks import blocks_of
from skyquarry.learn.checkpoints import write_whole
from skyquarry.learn.classifiers.devices import device_of
from skyquarry.learn.classifiers.encoding import Encoding
from skyquarry.learn.classifiers.pace import (
    Learner,
    Pace,
    Patience,
    check_fitted,
    log_loss,
    needed,
    training,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

    from numpy.typing import NDArray

    from skyquarry.learn.checkpoints import Checkpoint
    from skyquarry.learn.classifiers.devices import Device
    from skyquarry.learn.classifiers.protocol import Telling
    from skyquarry.learn.examples import Examples

    Tensors = dict[str, Any]

_FILE: Final = "network.safetensors"
_BLOCK: Final = {"cpu": 128, "cuda": 16_384}
"""rows predicted at once: their layers lie in the cache"""
_BETAS: Final = (0.9, 0.999)


class Network(Learner):
    """Layers over piecewise-linear embeddings of the features."""

    name: ClassVar[str] = "network"
    extra: ClassVar[tuple[str, ...]] = ("torch", "safetensors")

    def __init__(  # noqa: PLR0913  each setting is said by its name
        self,
        *,
        epochs: int = 40,
        batch: int = 256,
        rate: float = 2e-3,
        decay: float = 1e-2,
        width: int = 128,
        layers: int = 2,
        bins: int = 24,
        embedding: int = 8,
        members: int = 4,
        dropout: float = 0.1,
        balance: float = 0.5,
        patience: int = 8,
        threads: int = 1,
        device: str = "auto",
    ) -> None:
        """Settings: `balance` 0 weighs objects alike, 1 classes alike.

        `device` is "auto" (a GPU where there is one), "cpu" or "cuda".
        """
        self.epochs, self.batch, self.rate, self.decay = epochs, batch, rate, decay
        self.width, self.layers, self.bins, self.embedding = width, layers, bins, embedding
        self.members, self.dropout, self.balance = members, dropout, balance
        self.patience, self.threads, self.device = patience, threads, device
        self.used: Device = "cpu"  # of the devices that `device` leaves open
        self._encoding: Encoding | None = None
        self._tensors: Tensors = {}
        self._class_weights: NDArray[np.float64] = np.ones(0)

    def fit(
        self,
        examples: Examples,
        *,
        valid: Examples | None = None,
        checkpoint: Checkpoint | None = None,
        telling: Telling | None = None,
        seed: int = 0,
    ) -> Self:
        """Learn; with `valid`, keep the epoch of its lowest log-loss and stop when none is lower.

        The rate falls from its full value to nothing along half a cosine over all epochs.
        """
        needed(self.name, self.extra, "nn")
        import torch

        self._classes, self.used = examples.classes, _device(self.device)
        self._encoding = Encoding.of(examples.values, self.bins)
        self._class_weights = _class_weights(examples, self.balance)
        version = torch.__version__ + (" on a GPU" if self.used == "cuda" else "")
        mark = training(self, examples, valid, seed, version)
        patience, pace = Patience(self.patience), Pace(self.name, self.epochs, telling)
        with _threads(self.threads):
            run = _Run.begun(self, examples, seed)
            best = run.copied()
            saved = None if checkpoint is None else checkpoint.read(mark)
            if saved is not None:
                best = run.resume(saved.content)
                patience.resume(saved.told)
            while run.epoch < self.epochs and not (valid and patience.spent(run.epoch)):
                run.pass_over()
                score = None
                if valid is not None:
                    score = self._score(run.tensors, valid)
                    if patience.better(run.epoch, score):
                        best = run.copied()
                pace.tell(run.epoch, score)
                if checkpoint is not None and checkpoint.due(run.epoch):
                    checkpoint.write(mark, run.epoch, run.to_bytes(best), patience.told())
            self._tensors = best if valid is not None else run.copied()
        return self

    def predict_proba(self, values: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n, K) of (n, p): each row sums to 1."""
        check_fitted(self, self._tensors or None)
        with _threads(self.threads):
            return self._predicted(self._tensors, values)

    def explain(self, values: NDArray[np.float32]) -> NDArray[np.float64] | None:
        """None: the boosted trees tell what speaks for a class."""
        _ = values
        return None

    def save(self, folder: Path) -> None:
        """All tensors, and beside them classes and settings."""
        check_fitted(self, self._tensors or None)
        assert self._encoding is not None
        kept = {f"layer.{name}": each.cpu().numpy() for name, each in self._tensors.items()}
        kept |= {f"encoding.{name}": each for name, each in self._encoding.arrays().items()}
        kept["class_weights"] = self._class_weights
        told = {"classes": self._classes, "settings": self.settings()}
        write_whole(folder / _FILE, arrays.to_bytes(kept, told))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote. Raises DamagedError, naming the file."""
        needed(cls.name, cls.extra, "nn")
        import torch

        path = folder / _FILE
        kept, told = arrays.from_bytes(path.read_bytes(), str(path))
        made = cls(**told["settings"])
        made._classes = tuple(told["classes"])
        made._encoding = Encoding(**_below(kept, "encoding."))
        made.used = _device("cpu" if made.device == "cpu" else "auto")
        made._tensors = {
            name: torch.from_numpy(each.copy()).to(made.used)
            for name, each in _below(kept, "layer.").items()
        }
        made._class_weights = kept["class_weights"]
        return made

    def _score(self, tensors: Tensors, valid: Examples) -> float:
        p = self._predicted(tensors, valid.values)
        return log_loss(p, valid.labels, valid.weights)

    def _predicted(self, tensors: Tensors, values: NDArray[np.float32]) -> NDArray[np.float64]:
        import torch

        assert self._encoding is not None
        out = np.empty((len(values), len(self._classes)))
        with torch.inference_mode():
            for rows, block in blocks_of(values, _BLOCK[self.used]):
                encoded = torch.from_numpy(self._encoding.encoded(block))
                scores = _forward(tensors, encoded.to(self.used), 0.0, None)
                p = torch.softmax(scores.double(), dim=2).mean(dim=1)
                out[rows] = p[: rows.stop - rows.start].cpu().numpy()
        out /= self._class_weights
        return np.asarray(out / out.sum(axis=1, keepdims=True), np.float64)


class _Run:
    """A training under way: tensors, AdamW's moments, the generator, and the epoch."""

    def __init__(self, learner: Network, examples: Examples, seed: int) -> None:
        import torch

        self.learner, self.examples = learner, examples
        self.generator = torch.Generator().manual_seed(seed)
        self.tensors: Tensors = {}
        self.moments: Tensors = {}
        self.epoch = 0

    @classmethod
    def begun(cls, learner: Network, examples: Examples, seed: int) -> Self:
        """Before the first epoch."""
        import torch

        run = cls(learner, examples, seed)
        assert learner._encoding is not None  # noqa: SLF001
        shapes = _shapes(learner, learner._encoding, len(examples.classes))  # noqa: SLF001
        for name, (shape, scale) in shapes.items():
            drawn = torch.rand(shape, generator=run.generator) * 2.0 - 1.0
            run.tensors[name] = (drawn * scale).to(learner.used)
        if learner.members > 1:  # random signs tell members apart
            signs = run.tensors["members"]
            run.tensors["members"] = torch.where(signs < 0, -1.0, 1.0)
        for name, each in run.tensors.items():
            each.requires_grad_()
            run.moments |= {f"{name}.{way}": torch.zeros_like(each) for way in ("first", "second")}
        return run

    def pass_over(self) -> None:
        """One epoch."""
        import torch

        learner, n = self.learner, len(self.examples)
        order = torch.randperm(n, generator=self.generator).numpy()
        batches = math.ceil(n / learner.batch)
        for number, rows in enumerate(np.array_split(order, batches)):
            past = (self.epoch + number / batches) / learner.epochs
            self._step(rows, learner.rate * 0.5 * (1.0 + math.cos(math.pi * past)),
                       self.epoch * batches + number + 1)  # fmt: skip
        self.epoch += 1

    def _step(self, rows: NDArray[np.int64], rate: float, count: int) -> None:
        import torch
        from torch.nn.functional import cross_entropy

        learner, examples = self.learner, self.examples
        assert learner._encoding is not None  # noqa: SLF001
        encoded = torch.from_numpy(learner._encoding.encoded(examples.values[rows]))  # noqa: SLF001
        labels = examples.labels[rows].astype(np.int64)
        weight = learner._class_weights[labels] * examples.weights[rows]  # noqa: SLF001
        scores = _forward(self.tensors, encoded.to(learner.used), learner.dropout, self.generator)
        members = scores.shape[1]
        each = cross_entropy(
            scores.flatten(0, 1),
            torch.from_numpy(np.repeat(labels, members)).to(learner.used),
            reduction="none",
        )
        share = torch.from_numpy(np.repeat(weight / weight.mean(), members).astype(np.float32))
        (each * share.to(learner.used)).mean().backward()
        self._adam(rate, count)

    def _adam(self, rate: float, count: int) -> None:
        """AdamW (Loshchilov & Hutter 2019): biases and scalings do not decay."""
        import torch

        names = list(self.tensors)
        tensors = [self.tensors[name] for name in names]
        gradients = [tensor.grad for tensor in tensors]
        first = [self.moments[f"{name}.first"] for name in names]
        second = [self.moments[f"{name}.second"] for name in names]
        with torch.no_grad():
            torch._foreach_lerp_(first, gradients, 1.0 - _BETAS[0])
            torch._foreach_mul_(second, _BETAS[1])
            torch._foreach_addcmul_(second, gradients, gradients, 1.0 - _BETAS[1])
            size = torch._foreach_div(second, 1.0 - _BETAS[1] ** count)  # noqa: SLF001
            torch._foreach_sqrt_(size)
            torch._foreach_add_(size, 1e-8)
            decaying = [self.tensors[name] for name in names if name.startswith("weight")]
            torch._foreach_mul_(decaying, 1.0 - rate * self.learner.decay)
            torch._foreach_addcdiv_(tensors, first, size, -rate / (1.0 - _BETAS[0] ** count))
        for tensor in tensors:
            tensor.grad = None

    def copied(self) -> Tensors:
        """The tensors as they are now."""
        return {name: each.detach().clone() for name, each in self.tensors.items()}

    def to_bytes(self, best: Tensors) -> bytes:
        """All that the rest of the training depends on."""
        kept = {f"layer.{name}": each.detach().cpu() for name, each in self.tensors.items()}
        kept |= {f"best.{name}": each.cpu() for name, each in best.items()}
        kept |= {f"moment.{name}": each.cpu() for name, each in self.moments.items()}
        kept["generator"] = self.generator.get_state()
        numbers = {name: each.numpy() for name, each in kept.items()}
        return arrays.to_bytes(numbers, {"epoch": self.epoch})

    def resume(self, content: bytes) -> Tensors:
        """Go on from what `to_bytes` gave; returns the best tensors so far."""
        import torch

        kept, told = arrays.from_bytes(content, "the checkpoint of the network")
        device = self.learner.used
        given = {name: torch.from_numpy(each.copy()) for name, each in kept.items()}
        self.generator.set_state(given.pop("generator"))
        on = {name: each.to(device) for name, each in given.items()}
        self.tensors = {name: each.requires_grad_() for name, each in _below(on, "layer.").items()}
        self.moments = _below(on, "moment.")
        self.epoch = told["epoch"]
        return _below(on, "best.")


def _shapes(
    learner: Network, encoding: Encoding, classes: int
) -> dict[str, tuple[tuple[int, ...], float]]:
    """Name -> (shape, bound of its uniform beginning)."""
    features, numbers = encoding.edges.shape[0], encoding.wide
    flat, members = features * learner.embedding, learner.members
    shapes: dict[str, tuple[tuple[int, ...], float]] = {
        "weight.embedding": ((features, numbers, learner.embedding), 1.0 / math.sqrt(numbers)),
        "bias.embedding": ((features, 1, learner.embedding), 1.0 / math.sqrt(numbers)),
    }
    if members > 1:
        shapes["members"] = ((members, flat), 1.0)
    before = flat
    for layer in range(learner.layers):
        bound = 1.0 / math.sqrt(before)
        shapes[f"weight.{layer}"] = ((learner.width, before), bound)
        shapes[f"bias.{layer}"] = ((learner.width,), bound)
        before = learner.width
    shapes["weight.last"] = ((members, before, classes), 1.0 / math.sqrt(before))
    shapes["bias.last"] = ((members, 1, classes), 1.0 / math.sqrt(before))
    return shapes


def _forward(tensors: Tensors, encoded: Any, dropout: float, generator: Any) -> Any:
    """(n, members, K) scores of encoded (features, n, numbers)."""
    import torch

    made = torch.baddbmm(tensors["bias.embedding"], encoded, tensors["weight.embedding"])
    x = torch.relu(made).transpose(0, 1).flatten(1)
    members = tensors["weight.last"].shape[0]
    if members > 1:
        x = (x[None] * tensors["members"][:, None]).flatten(0, 1)  # (members * n, flat)
    layer = 0
    while f"weight.{layer}" in tensors:
        x = torch.nn.functional.linear(x, tensors[f"weight.{layer}"], tensors[f"bias.{layer}"])
        x = torch.relu_(x)
        if dropout > 0.0:
            kept = torch.rand(x.shape, generator=generator).to(x.device) >= dropout
            x = x * kept / (1.0 - dropout)
        layer += 1
    x = x.unflatten(0, (members, -1))
    return torch.baddbmm(tensors["bias.last"], x, tensors["weight.last"]).transpose(0, 1)


def _class_weights(examples: Examples, balance: float) -> NDArray[np.float64]:
    """(K,) how much an object of each class weighs: its class's share to a power, mean 1."""
    share = examples.priors()
    weight = np.where(share > 0, np.maximum(share, 1e-12) ** -balance, 1.0)
    return np.asarray(weight / (weight * share).sum(), np.float64)


def _below(named: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    return {
        name.removeprefix(prefix): each for name, each in named.items() if name.startswith(prefix)
    }


def _device(asked: str) -> Device:
    """Where layers lie."""
    import torch

    lacking = "the learner network needs a GPU and a torch built for it, and torch sees none"
    return device_of(asked, lacking, there=torch.cuda.is_available())


def _threads(count: int) -> AbstractContextManager[None]:
    """Torch's number of threads, for a while."""
    from contextlib import contextmanager

    @contextmanager
    def lent() -> Iterator[None]:
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(count)
        try:
            yield
        finally:
            torch.set_num_threads(before)

    return lent()
