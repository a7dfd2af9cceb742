"""The goods of the shop, drawn from a seed: what is written into a new database."""

from __future__ import annotations

import random
import sqlite3

CHANNELS = ((1, "default-channel", "USD", 1.0), (2, "channel-pln", "PLN", 4.1))
CATEGORIES = (
    "Kitchen",
    "Garden",
    "Travel",
    "Desk",
    "Winter",
    "Music",
    "Bath",
    "Audio books",
)
COLLECTIONS = ("New arrivals", "Gifts under thirty", "Made to last", "Autumn")
SHIPPING = ((1, "Parcel", 495), (2, "Courier", 1190))
PRODUCTS = 240
# The category of goods that are downloaded, so that no address is needed for them.
DOWNLOADS = len(CATEGORIES)
FORMS = ("Small", "Medium", "Large")

_MATERIALS = ("Oak", "Steel", "Linen", "Copper", "Wool", "Glass", "Cork", "Slate", "Birch", "Clay")
_THINGS = (
    ("bowl", "pan", "kettle", "tray"),
    ("spade", "planter", "lantern", "bench"),
    ("bag", "flask", "wallet", "pillow"),
    ("lamp", "pen stand", "clock", "shelf"),
    ("scarf", "blanket", "sledge", "mittens"),
    ("flute", "stool", "stand", "drum"),
    ("mat", "towel", "dish", "basket"),
    ("tale", "guide", "story", "walk"),
)


def fill(connection: sqlite3.Connection, seed: int) -> None:
    """Write channels, goods, prices and stock into the empty tables."""
    rng = random.Random(seed)  # nosec B311 - goods of a pretended shop, nothing to guess
    connection.executemany("INSERT INTO channel VALUES (?, ?, ?, ?)", CHANNELS)
    connection.executemany("INSERT INTO shipping VALUES (?, ?, ?)", SHIPPING)
    for table, names in (("category", CATEGORIES), ("collection", COLLECTIONS)):
        rows = [(number, slug_of(name), name) for number, name in enumerate(names, 1)]
        statement = f"INSERT INTO {table} VALUES (?, ?, ?)"  # nosec B608 - names from here
        connection.executemany(statement, rows)
    variant = 0
    for product in range(1, PRODUCTS + 1):
        variant = _add_product(connection, rng, product, variant)


def _add_product(
    connection: sqlite3.Connection, rng: random.Random, product: int, variant: int
) -> int:
    """Add a product with its variants, the first numbered `variant` + 1; returns the last one."""
    category = 1 + (product - 1) % len(CATEGORIES)
    name = f"{rng.choice(_MATERIALS)} {rng.choice(_THINGS[category - 1])} No. {product}"
    rating = round(rng.uniform(2.5, 5.0), 1)
    connection.execute(
        "INSERT INTO product VALUES (?, ?, ?, ?, ?, ?)",
        (product, slug_of(name), name, category, category != DOWNLOADS, rating),
    )
    for number, _, _, _ in CHANNELS:
        # The first channel sells nearly everything, the other one half.
        sold = rng.random() < (0.95 if number == 1 else 0.5)
        connection.execute("INSERT INTO listing VALUES (?, ?, ?)", (product, number, sold))
    for collection in range(1, len(COLLECTIONS) + 1):
        if rng.random() < 0.2:
            connection.execute("INSERT INTO collected VALUES (?, ?)", (collection, product))
    cents = rng.randrange(500, 12_000, 5)
    for form in FORMS[: 1 + rng.randrange(len(FORMS))]:
        variant += 1
        connection.execute(
            "INSERT INTO variant VALUES (?, ?, ?, ?)", (variant, product, f"G-{variant:05d}", form)
        )
        _add_prices_and_stock(connection, rng, variant, cents)
        cents += cents // 4
    return variant


def _add_prices_and_stock(
    connection: sqlite3.Connection, rng: random.Random, variant: int, cents: int
) -> None:
    """Price a variant in most channels; one of twelve is sold out."""
    for number, _, _, rate in CHANNELS:
        if rng.random() < 0.97:
            price = int(cents * rate)
            connection.execute("INSERT INTO price VALUES (?, ?, ?)", (variant, number, price))
    units = 0 if rng.random() < 1 / 12 else rng.randrange(20_000, 90_000)
    connection.execute("INSERT INTO stock VALUES (?, ?)", (variant, units))


def slug_of(name: str) -> str:
    """A name as it stands in addresses."""
    words = "".join(sign if sign.isalnum() else " " for sign in name.lower()).split()
    return "-".join(words)
