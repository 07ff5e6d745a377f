"""Pseudo-random values of a workflow, fixed by its execution id.

The generator is xoshiro256** seeded through splitmix64: small, well studied, the same on every machine. Values are
recorded as well, so a change of generator shows as nondeterminism and never passes unseen.

Source:
    Blackman and Vigna, "Scrambled linear pseudorandom number generators"; Obelisk reference, section 4 (seed).
"""

from __future__ import annotations

import hashlib

from engine.log.ids import ExecutionId

_MASK = (1 << 64) - 1
_ALPHABET = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"


class WorkflowRandom:
    """A deterministic generator.

    Args:
        execution_id: Gives the seed; two executions never share a sequence.
    """

    __slots__ = ("_s0", "_s1", "_s2", "_s3")

    def __init__(self, execution_id: ExecutionId) -> None:
        seed = int.from_bytes(hashlib.sha256(execution_id.encode()).digest()[:8], "little")
        self._s0, seed = _splitmix(seed)
        self._s1, seed = _splitmix(seed)
        self._s2, seed = _splitmix(seed)
        self._s3, seed = _splitmix(seed)

    def next_u64(self) -> int:
        """Return 64 random bits."""
        scrambled = (_rotate((self._s1 * 5) & _MASK, 7) * 9) & _MASK
        shifted = (self._s1 << 17) & _MASK
        self._s2 ^= self._s0
        self._s3 ^= self._s1
        self._s1 ^= self._s2
        self._s0 ^= self._s3
        self._s2 ^= shifted
        self._s3 = _rotate(self._s3, 45)
        return scrambled

    def in_range(self, low: int, high_inclusive: int) -> int:
        """Return an integer of the range, each equally likely.

        Raises:
            ValueError: If the range is empty.
        """
        if low > high_inclusive:
            raise ValueError(f"empty range {low}..={high_inclusive}")
        span = high_inclusive - low + 1
        # Rejecting the incomplete last block keeps every value equally likely.
        limit = (1 << 64) - (1 << 64) % span
        while (bits := self.next_u64()) >= limit:
            pass
        return low + bits % span

    def string(self, min_length: int, max_length_exclusive: int) -> str:
        """Return letters and digits of a random length.

        Raises:
            ValueError: If the range of lengths is empty.
        """
        length = self.in_range(min_length, max_length_exclusive - 1)
        return "".join(_ALPHABET[self.in_range(0, len(_ALPHABET) - 1)] for _ in range(length))

    def bytes(self, count: int) -> bytes:
        """Return ``count`` random bytes."""
        words = b"".join(self.next_u64().to_bytes(8, "big") for _ in range((count + 7) // 8))
        return words[:count]


def _splitmix(state: int) -> tuple[int, int]:
    state = (state + 0x9E3779B97F4A7C15) & _MASK
    mixed = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
    return mixed ^ (mixed >> 31), state


def _rotate(value: int, by: int) -> int:
    return ((value << by) | (value >> (64 - by))) & _MASK
