"""A random forest as flat arrays: read from checked bytes, asked for means and quantiles.

The arrays hold every tree's nodes one after the other, and for every leaf the training
labels that fell into it. That is all that a quantile forest needs (Meinshausen, "Quantile
Regression Forests", JMLR 7, 2006): each tree gives the labels in its leaf a weight of
1 / leaf size, and the forecast is the distribution of all labels under the mean weight.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictive_autoscaler.core.types import FloatArray
from predictive_autoscaler.errors import ModelError

FORMAT_VERSION = 3
LEAF = -1
"""What `feature` holds where a node is a leaf."""

MAX_ARTIFACT_BYTES = 64 * 2**20
MAX_LABELS = 2**16
"""Training rows of a forest: their positions are kept in two bytes each."""
_MAX_UNPACKED_BYTES = 512 * 2**20
_UNKNOWN = "the forest was asked about a row with NaN in it"

_ARRAYS: dict[str, tuple[type[np.generic], int]] = {
    "roots": (np.int32, 1),
    "feature": (np.int16, 1),
    "threshold": (np.float32, 1),
    "left": (np.int32, 1),
    "right": (np.int32, 1),
    "value": (np.float64, 1),
    "first": (np.int32, 1),
    "last": (np.int32, 1),
    "rows": (np.uint16, 1),
    "labels": (np.float64, 1),
    "paths": (np.float64, 2),
}
"""Type and dimensions of each array."""


@dataclass(frozen=True, eq=False)
class Walk:
    """One row's way down all trees.

    Attributes:
        speaking: positions of the labels that speak for it, and their weights.
        usual: the mean of the roots' means.
        moved: (columns,) what each column added to that on the way, after Saabas; see
            `core.drivers`. All of it together is the mean of the leaves' means.
    """

    speaking: tuple[NDArray[np.intp], FloatArray]
    usual: float
    moved: FloatArray


@dataclass(frozen=True, eq=False)
class FlatForest:
    """A forest of regression trees.

    Attributes:
        roots: (trees,) index of each tree's first node.
        feature: (nodes,) column that a node compares; LEAF at leaves.
        threshold: (nodes,) float32; a row goes left if its value is at most this.
        left, right: (nodes,) indices of a node's children.
        value: (nodes,) float64 mean label of a node: of all that came by, in inner nodes too.
        first, last: (nodes,) the slice of `rows` that belongs to a leaf.
        rows: (total leaf sizes,) positions in `labels`, with repetition as bootstrapped.
        labels: (labels,) float64 training labels in ascending order.
        paths: (labels, horizon bins) float64, what lay behind each label: the log-ratio of
            each bin, of which the label is the largest.
    """

    roots: NDArray[np.int32]
    feature: NDArray[np.int16]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: FloatArray
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    rows: NDArray[np.uint16]
    labels: FloatArray
    paths: FloatArray

    @property
    def trees(self) -> int:
        return len(self.roots)

    def leaves(self, features: FloatArray) -> NDArray[np.int32]:
        """The leaf that each row reaches in each tree.

        Args:
            features: shape (rows, columns). Compared as float32, as scikit-learn does.

        Returns:
            Node indices, shape (rows, trees).

        Raises:
            ModelError: a value is NaN; what is unknown must be settled before.
        """
        table = np.asarray(features, dtype=np.float32)
        if np.isnan(table).any():
            raise ModelError(_UNKNOWN)
        node = np.broadcast_to(self.roots, (len(table), self.trees)).copy()
        row = np.arange(len(table))[:, None]
        while True:
            column = self.feature[node]
            inner = column != LEAF
            if not inner.any():
                return node
            goes_left = table[row, column] <= self.threshold[node]
            child = np.where(goes_left, self.left[node], self.right[node])
            node = np.where(inner, child, node)

    def mean(self, features: FloatArray) -> FloatArray:
        """Mean of the trees' leaf means, shape (rows,); the same bits as scikit-learn's.

        Trees are added one after the other, in order, because the rounding of a sum
        depends on it.
        """
        leaf_means = self.value[self.leaves(features)]
        total = np.zeros(len(leaf_means))
        for tree in range(self.trees):
            total += leaf_means[:, tree]
        return total / self.trees

    def distribution(self, features: FloatArray) -> tuple[NDArray[np.intp], FloatArray]:
        """The training labels that speak for one row.

        Args:
            features: shape (columns,).

        Returns:
            Their positions in `labels` and `paths`, ascending, shape (k,), and their
            weights (k,), which sum to 1.
        """
        return self.walk(features).speaking

    def walk(self, features: FloatArray) -> Walk:
        """What `distribution` says about one row, and which of its columns made it say so.

        Args:
            features: shape (columns,).

        Raises:
            ModelError: a value is NaN.
        """
        row = np.asarray(features, dtype=np.float32)
        if np.isnan(row).any():
            raise ModelError(_UNKNOWN)
        node, path = self.roots, [self.roots]
        while True:
            column = self.feature[node]
            inner = column != LEAF
            if not inner.any():
                break
            child = np.where(row[column] <= self.threshold[node], self.left[node], self.right[node])
            node = np.where(inner, child, node)
            path.append(node)
        nodes = np.stack(path)
        # At a leaf the walk stands still: nothing is added, to the place before the first column.
        gains = np.diff(self.value[nodes], axis=0)
        moved = np.bincount(
            self.feature[nodes[:-1]].ravel() + 1, weights=gains.ravel(), minlength=len(row) + 1
        )
        usual = float(self.value[self.roots].mean())
        return Walk(self._speaking(node), usual, moved[1:] / self.trees)

    def distributions(self, features: FloatArray) -> Iterator[tuple[NDArray[np.intp], FloatArray]]:
        """`distribution` of each row, with all rows going down the trees at once.

        Args:
            features: shape (rows, columns).
        """
        for leaves in self.leaves(features):
            yield self._speaking(leaves)

    def _speaking(self, leaves: NDArray[np.int32]) -> tuple[NDArray[np.intp], FloatArray]:
        first, last = self.first[leaves], self.last[leaves]
        members = np.concatenate([self.rows[a:b] for a, b in zip(first, last, strict=True)])
        shares = np.repeat(1.0 / (last - first), last - first)
        weights = np.bincount(members, weights=shares, minlength=len(self.labels))
        present = np.flatnonzero(weights)
        return present, weights[present] / weights[present].sum()

    def to_bytes(self, **extra: NDArray[Any]) -> bytes:
        """Pack as .npz, the same bytes for the same forest. `extra` arrays ride along.

        Not compressed: that would save a third of the bytes, and cost four fifths of the time
        of loading a model.
        """
        arrays = {field.name: getattr(self, field.name) for field in fields(self)} | extra
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        return buffer.getvalue()


def sha256(data: bytes) -> str:
    """Hex digest of an artifact, as its card states it."""
    return hashlib.sha256(data).hexdigest()


def read_arrays(data: bytes) -> dict[str, NDArray[Any]]:
    """Unpack an .npz without ever unpickling.

    Raises:
        ModelError: not an .npz, truncated, too large, or one that holds Python objects.
    """
    if len(data) > MAX_ARTIFACT_BYTES:
        raise ModelError(
            f"model.npz has {len(data)} bytes; at most {MAX_ARTIFACT_BYTES} are allowed"
        )
    if not data.startswith(b"PK"):
        raise ModelError("model.npz is not an .npz archive (a pickle is never loaded)")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > _MAX_UNPACKED_BYTES:
            raise ModelError(f"model.npz would unpack to {unpacked} bytes; that is no model")
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except ModelError:
        raise
    except Exception as error:  # zlib, tokenize, memory: a damaged archive fails in many ways
        raise ModelError(f"model.npz cannot be read: {error}") from error


def forest_from_arrays(
    arrays: dict[str, NDArray[Any]], columns: int, within: str = ""
) -> FlatForest:
    """Take the forest out of an artifact's arrays and check that walking it is safe.

    Args:
        arrays: as from `read_arrays`.
        columns: how many feature columns a row has.
        within: what the names of the arrays begin with in the artifact, for messages.

    Raises:
        ModelError: an array is missing, of another type or shape, or points outside.
    """
    for name, (dtype, dimensions) in _ARRAYS.items():
        array = arrays.get(name)
        if array is None:
            raise ModelError(f"model.npz has no array {within + name!r}")
        if array.dtype != dtype or array.ndim != dimensions or array.size == 0:
            raise ModelError(
                f"array {within + name!r} is {array.dtype} of shape {array.shape}; "
                f"{np.dtype(dtype)} with {dimensions} dimension(s) is needed"
            )
    forest = FlatForest(**{name: arrays[name] for name in _ARRAYS})
    _check(forest, columns, within)
    return forest


def _check(forest: FlatForest, columns: int, within: str) -> None:
    nodes = len(forest.feature)
    per_node = (forest.threshold, forest.left, forest.right, forest.value, forest.first)
    if any(len(array) != nodes for array in (*per_node, forest.last)):
        raise ModelError(f"the {within}node arrays of model.npz differ in length")
    leaf = forest.feature == LEAF
    inner = np.flatnonzero(~leaf)
    own = np.arange(nodes)
    problems = {
        "a root": ((forest.roots < 0) | (forest.roots >= nodes)).any(),
        "a feature": ((forest.feature < LEAF) | (forest.feature >= columns)).any(),
        # Children lie behind their parent: that bounds them, and no walk can go in circles.
        "a left child": ((forest.left <= own) | (forest.left >= nodes))[inner].any(),
        "a right child": ((forest.right <= own) | (forest.right >= nodes))[inner].any(),
        "a leaf's slice": (
            (forest.first < 0) | (forest.last <= forest.first) | (forest.last > len(forest.rows))
        )[leaf].any(),
        "a leaf's row": (forest.rows >= len(forest.labels)).any(),
        "a value": not np.isfinite(forest.value).all(),
        "a threshold": np.isnan(forest.threshold).any(),
        "a label": not np.isfinite(forest.labels).all() or (np.diff(forest.labels) < 0).any(),
        "a path": len(forest.paths) != len(forest.labels) or not np.isfinite(forest.paths).all(),
    }
    wrong = [name for name, found in problems.items() if found]
    if wrong:
        where = f"model.npz ({within.rstrip('_')})" if within else "model.npz"
        raise ModelError(f"{where} is damaged: {', '.join(wrong)} is out of range")
