"""A home that falls ill under virtual time, with the real hub and the real dialects in it; what truly happened is known, and judged by."""
