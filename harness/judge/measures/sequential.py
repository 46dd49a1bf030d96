"""The paired e-process: evidence that the candidate is worse, which one may look at after every pair. Pure.

Take the pairs in which exactly one of control and candidate was bad. If the candidate is no worse, each of them blames
it with probability at most 1/2. The e-value is the likelihood ratio of that against a coin whose bias p is drawn
evenly from (1/2, 1):

    E(b, g) = 2 * integral from 1/2 to 1 of p^b (1-p)^g dp * 2^(b+g)
            = 2 B(b+1, g+1) (1 - I_1/2(b+1, g+1)) 2^(b+g)

It is a nonnegative supermartingale that starts at 1, so by Ville's inequality (1939) it ever reaches 1/a with
probability at most a, however often one looks. The method of mixtures: Robbins, Annals of Mathematical Statistics 41
(1970), 1397-1409; today's names: Ramdas, Gruenwald, Vovk and Shafer, Statistical Science 38 (2023), 576-601.
"""

from __future__ import annotations

import math

from scipy import special

__all__ = ["ALERT", "ROLLBACK", "e_value", "e_value_of_rare"]

ALERT = 20.0
"""From here on an alert; it fires falsely in at most 5 % of all runs."""
ROLLBACK = 100.0
"""From here on a rollback; falsely in at most 1 % of all runs."""

_LARGEST_LOG = 700.0


def e_value(worse: int, better: int) -> float:
    """E(b, g) for b pairs bad only in the candidate and g bad only in the control; at most e^700.

    Raises ValueError for a negative count.
    """
    if worse < 0 or better < 0:
        raise ValueError(f"counts must not be negative: {worse}, {better}")
    # 1 - I_1/2(b+1, g+1) is I_1/2(g+1, b+1), which keeps its digits where g outweighs b
    upper_half = float(special.betainc(better + 1, worse + 1, 0.5))
    if upper_half == 0:
        return 0.0
    log = (
        math.log(2)
        + float(special.betaln(worse + 1, better + 1))
        + math.log(upper_half)
        + (worse + better) * math.log(2)
    )
    return math.exp(min(log, _LARGEST_LOG))


def e_value_of_rare(worse: int, better: int) -> float:
    """As `e_value`, for what hardly ever happens to a sound engine; at most e^700.

    Half of the bet is on p = 1, that only the candidate is ever bad: (2^b + E(b, 0)) / 2 until the control is bad too,
    and E(b, g) / 2 from then on. A mixture of two of these processes is one of them.
    """
    certain = math.exp(min(worse * math.log(2), _LARGEST_LOG)) if better == 0 else 0.0
    return (certain + e_value(worse, better)) / 2
