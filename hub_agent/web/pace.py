"""How often each of many may come: so many at once, then so many a second. Of too many the one heard of longest ago is forgotten: it begins afresh."""

from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

REMEMBERED_MAX = 1000


class Pace:
    def __init__(self, burst: int, a_second: float) -> None:
        self._burst = float(burst)
        self._a_second = a_second
        self._left_by_who: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, who: str, now_s: float) -> float:
        """0 when it may pass, which is counted; otherwise how long to wait."""
        left, seen_s = self._left_by_who.pop(who, (self._burst, now_s))
        left = min(self._burst, left + (now_s - seen_s) * self._a_second)
        may_pass = left >= 1
        self._left_by_who[who] = (left - 1 if may_pass else left, now_s)
        if len(self._left_by_who) > REMEMBERED_MAX:
            self._left_by_who.popitem(last=False)
        return 0.0 if may_pass else (1 - left) / self._a_second

    def __len__(self) -> int:
        return len(self._left_by_who)


def household_of(address: str) -> str:
    """Whom an address is counted as: in IPv6 a machine has a whole network of them to choose from."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    # On the link everybody shares fe80::/64, and there a machine cannot do with many.
    return str(parsed) if parsed.is_link_local else f"{IPv6Address(int(parsed) >> 64 << 64)}/64"
