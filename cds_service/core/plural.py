"""Counts in words, of one thing as of many."""


def so_many(number: int, one: str, many: str = "") -> str:
    """Write a number and what is counted: "1 rule", "0 rules", "1,200 rules".

    many: what more than one is called; "" = `one` with an s.
    """
    return f"{number:,} {one if number == 1 else many or one + 's'}"
