"""Loops over sources: hashed chance, and what a survey finds of their light.

Shapes: n sources, m directed pairs of them, r rows that are sources, c bands of a survey.
"""

from __future__ import annotations

import math

import numpy as np

from skyquarry.sky.compiled import kernel

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_A, _B, _C, _D = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
FLAT = ((0.292, 0.513), (0.708, 1.333))
STEEP = ((0.442, 0.357), (0.558, 2.388))
"""see `light.PROFILES`"""
# Wichura 1988: numerator and denominator by falling powers, in the middle, beyond, in the tails
_MIDDLE = (
    (
        2.5090809287301226727e3, 3.3430575583588128105e4,
        6.7265770927008700853e4, 4.5921953931549871457e4,
        1.3731693765509461125e4, 1.9715909503065514427e3,
        1.3314166789178437745e2, 3.3871328727963666080e0,
    ),
    (
        5.2264952788528545610e3, 2.8729085735721942674e4,
        3.9307895800092710610e4, 2.1213794301586595867e4,
        5.3941960214247511077e3, 6.8718700749205790830e2, 4.2313330701600911252e1, 1.0,
    ),
)  # fmt: skip
_FAR = (
    (
        7.74545014278341407640e-4, 2.27238449892691845833e-2,
        2.41780725177450611770e-1, 1.27045825245236838258e0,
        3.64784832476320460504e0, 5.76949722146069140550e0,
        4.63033784615654529590e0, 1.42343711074968357734e0,
    ),
    (
        1.05075007164441684324e-9, 5.47593808499534494600e-4,
        1.51986665636164571966e-2, 1.48103976427480074590e-1,
        6.89767334985100004550e-1, 1.67638483018380384940e0, 2.05319162663775882187e0, 1.0,
    ),
)  # fmt: skip
_TAIL = (
    (
        2.01033439929228813265e-7, 2.71155556874348757815e-5,
        1.24266094738807843860e-3, 2.65321895265761230930e-2,
        2.96560571828504891230e-1, 1.78482653991729133580e0,
        5.46378491116411436990e0, 6.65790464350110377720e0,
    ),
    (
        2.04426310338993978564e-15, 1.42151175831644588870e-7,
        1.84631831751005468180e-5, 7.86869131145613259100e-4,
        1.48753612908506148525e-2, 1.36929880922735805310e-1, 5.99832206555887937690e-1, 1.0,
    ),
)  # fmt: skip


@kernel
def _mixed(z):
    z = (z ^ (z >> _A)) * _FIRST
    z = (z ^ (z >> _B)) * _SECOND
    return z ^ (z >> _C)


@kernel
def _uniform(start, number):
    """In (0, 1): see `chance.uniform`."""
    mixed = _mixed(_mixed(number * _GOLDEN + start) + start)
    return (float(mixed >> _D) + 0.5) * 2.0**-53


@kernel
def uniforms(seeds, ids, out):
    """Fill out (n,): seeds (1,) uint64 hash of seed and stream, ids (n,) uint64."""
    for k in range(len(ids)):
        out[k] = _uniform(seeds[0], ids[k])


@kernel
def normals(seeds, ids, out):
    """The same, standard normal."""
    for k in range(len(ids)):
        out[k] = _quantile(_uniform(seeds[0], ids[k]))


@kernel
def ranks(keys, counts, out):
    """Fill out (n,): how many before have the same key; keys (n,) are places in counts, of 0."""
    for k in range(len(keys)):
        out[k] = counts[keys[k]]
        counts[keys[k]] += 1


@kernel
def _quantile(p):
    """Of the normal distribution: Wichura 1988, algorithm AS 241, PPND16 (1 part in 10^16)."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        return q * _polynomial(r, _MIDDLE[0]) / _polynomial(r, _MIDDLE[1])
    r = math.sqrt(-math.log(min(p, 1.0 - p)))
    if r <= 5.0:
        ratio = _polynomial(r - 1.6, _FAR[0]) / _polynomial(r - 1.6, _FAR[1])
    else:
        ratio = _polynomial(r - 5.0, _TAIL[0]) / _polynomial(r - 5.0, _TAIL[1])
    return math.copysign(ratio, q)


@kernel
def _polynomial(x, falling):
    """By Horner's rule."""
    value = falling[0]
    for k in range(1, len(falling)):
        value = value * x + falling[k]
    return value


@kernel
def _overlap(psf, width, steep, far):
    """Part of a source's flux that a PSF fit finds, `far` the square of the distance: light.py."""
    found = 0.0
    for number, profile in ((0, FLAT), (1, STEEP)):
        weight = steep if number else 1.0 - steep
        if weight > 0.0:
            for share, times in profile:
                both = psf + times * times * width * width
                part = weight * share * psf / both
                found += part * math.exp(-far / (2.0 * both)) if far > 0.0 else part
    return found


@kernel
def _pixels(psf, width, steep):
    """Sky in a flux by a source's own shape, over that in one by the PSF: `Shapes.pixels`."""
    found = 0.0
    for number, profile in ((0, FLAT), (1, STEEP)):
        weight = steep if number else 1.0 - steep
        if weight > 0.0:
            for a, wide in profile:
                for b, other in profile:
                    both = psf + 0.5 * (wide * wide + other * other) * width * width
                    found += weight * a * b * psf / both
    return 1.0 / found


@kernel
def overlaps(psf, width, steep, far, out):
    """Fill out (n,): width, steep, far (n,)."""
    for k in range(len(width)):
        out[k] = (
            _overlap(psf, width[k], steep[k], far[k]) if width[k] > 0.0 or far[k] > 0.0 else 1.0
        )


@kernel
def pixels(psf, width, steep, out):
    """Fill out (n,): width, steep (n,)."""
    for k in range(len(width)):
        out[k] = _pixels(psf, width[k], steep[k]) if width[k] > 0.0 else 1.0


@kernel
def own_light(psf, width, steep, flux, out):
    """Fill out (n, c): each source's part in its own PSF flux; psf (c,), flux (n, c)."""
    for k in range(len(width)):
        for band in range(len(psf)):
            part = _overlap(psf[band], width[k], steep[k], 0.0) if width[k] > 0.0 else 1.0
            out[k, band] = flux[k, band] * part


@kernel
def shine(seen, other, distance, left, psf, width, steep, flux, into, light):  # noqa: PLR0917
    """Fill into (m, c), each pair's light in the PSF flux of `seen`; add it to light (n, c).

    Pairs come sorted by (seen, other), so that sums are the same in every tile. `left` (n,): part
    of a source's light that stays in others'.
    """
    for pair in range(len(seen)):
        o, s = other[pair], seen[pair]
        far = distance[pair] * distance[pair]
        for band in range(len(psf)):
            part = left[o] * flux[o, band] * _overlap(psf[band], width[o], steep[o], far)
            into[pair, band] = part
            light[s, band] += part


@kernel
def measure(  # noqa: PLR0917
    rows, flux, own, others, width, steep, bands, gain, field, noise, more, out
):
    """Fill out (4, r, c): PSF fluxes with noise, their errors, model fluxes, theirs.

    rows (r,) sources; flux, own, others (n, c); bands (c, 4): s, p, b of the error of a point,
    (s f)^2 + p f + b its square, and the square of the PSF's width; gain (fields, c), field (n,);
    noise, more (r, c) standard normal numbers.
    """
    for k in range(len(rows)):
        source = rows[k]
        for band in range(len(bands)):
            systematic, photons, sky, psf = bands[band]
            zero = gain[field[source], band]
            first = zero * (own[source, band] + others[source, band])
            second = zero * (flux[source, band] + others[source, band])
            wider = _pixels(psf, width[source], steep[source]) if width[source] > 0.0 else 1.0
            error2 = _error2(first, systematic, photons, sky)
            total2 = _error2(second, systematic, photons, sky * wider)
            drawn = math.sqrt(error2) * noise[k, band]
            added = math.sqrt(max(total2 - error2, 0.0)) * more[k, band]
            out[0, k, band] = first + drawn
            out[1, k, band] = math.sqrt(error2)
            out[2, k, band] = second + drawn + added
            out[3, k, band] = math.sqrt(total2)


@kernel
def _error2(flux, systematic, photons, sky):
    bright = max(flux, 0.0)
    return (systematic * bright) ** 2 + photons * bright + sky


@kernel
def near_bright(centers, xyz, chord2, near):
    """Mark in near (n,) what lies within a chord of a centre (a source), not counting itself."""
    chord = math.sqrt(chord2)
    for center in centers:
        for k in range(len(xyz)):
            dz = xyz[k, 2] - xyz[center, 2]
            if abs(dz) <= chord and k != center:
                dx, dy = xyz[k, 0] - xyz[center, 0], xyz[k, 1] - xyz[center, 1]
                if dx * dx + dy * dy + dz * dz <= chord2:
                    near[k] = True


@kernel
def pairs_in_bands(order, band, ra, xyz, window, chord2, counts, seen, other):  # noqa: PLR0917
    """Pairs within a chord of each other; how many, in each direction once.

    order (n,) by (band, ra); the bands are as wide in declination as the chord, ra (n,) radians
    does not wrap; `window`: how far in ra a pair may be apart. With room in seen and other (m,)
    they are filled; counts (n,) always.
    """
    n, found = len(order), 0
    ahead = 0
    for place in range(n):
        i = order[place]
        step = place + 1
        while step < n and band[order[step]] == band[i] and ra[order[step]] - ra[i] <= window:
            found = _paired(i, order[step], xyz, chord2, counts, seen, other, found)
            step += 1
        while ahead < n and (
            band[order[ahead]] <= band[i]
            or (band[order[ahead]] == band[i] + 1 and ra[order[ahead]] < ra[i] - window)
        ):
            ahead += 1
        step = ahead
        while step < n and band[order[step]] == band[i] + 1 and ra[order[step]] <= ra[i] + window:
            found = _paired(i, order[step], xyz, chord2, counts, seen, other, found)
            step += 1
    return found


@kernel
def _paired(i, j, xyz, chord2, counts, seen, other, found):  # noqa: PLR0917
    dx, dy, dz = xyz[i, 0] - xyz[j, 0], xyz[i, 1] - xyz[j, 1], xyz[i, 2] - xyz[j, 2]
    if dx * dx + dy * dy + dz * dz > chord2:
        return found
    counts[i] += 1
    counts[j] += 1
    if found < len(seen):
        seen[found], other[found] = i, j
    return found + 1


@kernel
def both_ways(first, second, starts, places, other):
    """Fill other (2m,): partners of source k stand from starts[k] on, ascending.

    first, second (m,) pairs, starts (n,); places (n,) a copy of starts, which moves.
    """
    for pair in range(len(first)):
        for i, j in ((first[pair], second[pair]), (second[pair], first[pair])):
            place = places[i]
            places[i] += 1
            while place > starts[i] and other[place - 1] > j:
                other[place] = other[place - 1]
                place -= 1
            other[place] = j
