"""Loops of features over bare arrays."""

from __future__ import annotations

from skyquarry.sky.compiled import kernel


@kernel
def structure_sums(time, mag, error, first, lags, sums):
    """Add pairs of observations of one group to `sums` (lags, 3, g): number, steps, squared errors.

    time, mag, error (m,) sorted by group and time; first (g + 1,) where each group begins and the
    last one ends; lags (l, 2) days, above the one and up to the other. Ends of lags rise.
    """
    last = lags[-1, 1]
    for group in range(first.shape[0] - 1):
        for i in range(first[group], first[group + 1]):
            for j in range(i + 1, first[group + 1]):
                apart = time[j] - time[i]
                if apart > last:
                    break
                for lag in range(lags.shape[0]):
                    if lags[lag, 0] < apart <= lags[lag, 1]:
                        sums[lag, 0, group] += 1.0
                        sums[lag, 1, group] += abs(mag[j] - mag[i])
                        sums[lag, 2, group] += error[i] * error[i] + error[j] * error[j]
