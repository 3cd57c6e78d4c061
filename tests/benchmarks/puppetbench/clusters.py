"""K-means++ and how tight a cluster is. Pure functions of vectors (N, D)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]


def kmeans(vectors: Vectors, clusters: int, rounds: int = 100) -> NDArray[np.int64]:
    """The cluster of each vector: Lloyd's algorithm from a K-means++ start (Arthur and Vassilvitskii 2007)."""
    centres = _begin(vectors, clusters)
    labels = np.full(len(vectors), -1)
    for _ in range(rounds):
        fresh = _distances(vectors, centres).argmin(axis=1)
        if (fresh == labels).all():
            break
        labels = fresh
        used = np.unique(labels)
        centres[used] = np.stack([vectors[labels == label].mean(axis=0) for label in used])
    return labels


def cohesion(vectors: Vectors) -> float:
    """Mean distance to the centroid: the smaller, the tighter."""
    return float(np.linalg.norm(vectors - vectors.mean(axis=0), axis=1).mean())


def spread(vectors: Vectors) -> float:
    """Mean distance of two different vectors."""
    distances = _distances(vectors, vectors)
    return float(distances.sum() / max(1, len(vectors) * (len(vectors) - 1)))


def _begin(vectors: Vectors, clusters: int) -> Vectors:
    rng = np.random.default_rng(42)
    chosen = [int(rng.integers(len(vectors)))]
    while len(chosen) < clusters:
        odds = _distances(vectors, vectors[chosen]).min(axis=1) ** 2
        if not odds.sum():
            break
        chosen.append(int(rng.choice(len(vectors), p=odds / odds.sum())))
    return vectors[chosen].copy()


def _distances(first: Vectors, second: Vectors) -> NDArray[np.float64]:
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1)[None] - 2.0 * first @ second.T
    distances: NDArray[np.float64] = np.sqrt(np.maximum(squares.astype(np.float64), 0.0))
    return distances
