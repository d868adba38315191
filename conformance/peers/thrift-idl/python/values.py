"""Values at the limits of their types."""

STRINGS = ["", "a", "Grüße, 世界 🦀", "with\0nul", "x" * 127, "x" * 128, "x" * 16384, "é" * 40000]
BINARIES = [b"", b"\0", b"\x80\x01\x00\x02", b"\x82\x21\x01", bytes(range(256)), b"\xff" * 70000]
DOUBLES = [0.0, -0.0, 1.5, -1e300, 5e-324, 1.7976931348623157e308, float("inf"), float("-inf")]


def integers(bits):
    top = 1 << (bits - 1)
    edges = {0, 1, -1, 63, 64, -64, -65, top - 1, -top, top // 2, -top // 2, 0x55 % top}
    return sorted(edges)


def everything(types):
    leaf = types.Leaf
    return types.Everything(
        yes=True,
        no=False,
        small=-128,
        short_number=-32768,
        number=2147483647,
        long_number=-9223372036854775808,
        ratio=0.1,
        text="Grüße, 世界 🦀",
        data=bytes(range(256)),
        color=types.Color.BLUE,
        leaf=leaf(name="leaf", number=-1),
        numbers=list(range(-20, 20)),
        bools=[True, False, False, True] * 5,
        words=["", "one", "zwei", "三"],
        leaves=[leaf(name=f"leaf {i}", number=i) for i in range(16)],
        lists=[[], [1], list(range(100))],
        empty_list=[],
        names={"a", "b", "ü"},
        longs={0, -1, 1 << 62},
        counts={"": 0, "one": 1, "minus": -1},
        by_number={-1: leaf(name="minus one", number=-1), 7: leaf(name="", number=0)},
        by_name={"none": [], "two": [leaf(name="x", number=1), leaf(name="y", number=2)]},
        maps={1: {}, 2: {"k": "v", "": ""}},
        empty_map={},
        ratios=[i / 7 for i in range(15)],
        late=300,
        last="the end",
    )


def pattern(count):
    """Byte i is i modulo 251."""
    period = bytes(range(251))
    return (period * (count // 251 + 1))[:count]


def tree(types, depth):
    node = types.Tree(depth=depth)
    for at in range(depth - 1, 0, -1):
        node = types.Tree(depth=at, child=node)
    return node
