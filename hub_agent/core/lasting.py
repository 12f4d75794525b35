"""What has to last before it counts: it is noticed late, and ends late, so that nothing that comes and goes is told again and again."""

from datetime import datetime, timedelta


class Lasting:
    """Bad for `bad_for`, it is noticed; good for `good_for`, it has passed. Where nothing is known, or it is neither, what was holds."""

    def __init__(self, bad_for: timedelta, good_for: timedelta) -> None:
        self._bad_for = bad_for
        self._good_for = good_for
        # None: nobody has looked since the start, and what was noticed before may still be told of.
        self.is_bad: bool | None = None
        self._leaning: bool | None = None
        self.since: datetime | None = None

    def judge(self, is_bad: bool | None, now: datetime) -> bool | None:  # noqa: FBT001 what was measured
        """True: it is noticed just now. False: it has passed just now, or is well at the first look. None: nothing new."""
        if is_bad is None or is_bad is self.is_bad:
            self._leaning = None
            return None
        if self._leaning is not is_bad or self.since is None:
            self._leaning, self.since = is_bad, now
        if now - self.since < (self._bad_for if is_bad else self._good_for):
            return None
        self.is_bad, self._leaning = is_bad, None
        return is_bad

    def shift(self, by: timedelta) -> None:
        if self.since is not None:
            self.since += by
