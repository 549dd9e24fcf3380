"""The shop's application: it writes all the time, and does not know that it is being migrated."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable

import psycopg

TRANSACTIONS_PER_SECOND = 30
NEW_COLUMN = "alter table shop.customers add column loyalty_level integer"


class Application(threading.Thread):
    """Inserts, updates and deletes until stopped; connects again when cut off.

    :param connect: returns a new connection as role shop_app.
    """

    def __init__(self, connect: Callable[[], psycopg.Connection], *, seed: int = 1) -> None:
        super().__init__(name="shop-application", daemon=True)
        self.transactions = 0
        self.cut_seconds = 0.0
        self._connect = connect
        self._random = random.Random(seed)  # noqa: S311 - made-up shoppers
        self._has_new_column = False
        self._wanted_column = threading.Event()
        self._may_write = threading.Event()
        self._idle = threading.Event()
        self._over = threading.Event()
        self._next_order = 0
        self._may_write.set()

    def run(self) -> None:
        """Write, and come back after each lost connection."""
        while not self._over.is_set():
            cut = time.monotonic()
            try:
                with self._connect() as conn:
                    conn.autocommit = True
                    self._learn(conn)
                    self.cut_seconds += time.monotonic() - cut if self.transactions else 0
                    self._write(conn)
            except psycopg.OperationalError:
                self.cut_seconds += time.monotonic() - cut
                self._over.wait(0.2)

    def add_column(self, *, timeout: float = 10) -> bool:
        """Have the application alter a table, as a release would; tell whether it was done in time."""
        self._wanted_column.set()
        ends = time.monotonic() + timeout
        while not self._has_new_column and time.monotonic() < ends:
            time.sleep(0.05)
        return self._has_new_column

    def pause(self, *, timeout: float = 10) -> bool:
        """Stop writing; return when no transaction is open."""
        self._idle.clear()
        self._may_write.clear()
        return self._idle.wait(timeout)

    def go_on(self) -> None:
        """Write again."""
        self._may_write.set()

    def stop(self) -> None:
        """End the thread."""
        self._over.set()
        self._may_write.set()
        self.join(5)

    def _learn(self, conn: psycopg.Connection) -> None:
        row = conn.execute("select max(id) from shop.orders").fetchone()
        self._next_order = (row[0] if row and row[0] else 0) + 1

    def _write(self, conn: psycopg.Connection) -> None:
        actions: tuple[Callable[[psycopg.Connection], None], ...] = (
            self._order, self._order, self._visit, self._visit, self._ship, self._reprice,
            self._count_stock, self._change_customer, self._retitle, self._review, self._send_back, self._forget,
        )  # fmt: skip
        while not self._over.is_set():
            if not self._may_write.is_set():
                self._idle.set()
                self._may_write.wait(0.2)
                continue
            if self._wanted_column.is_set() and not self._has_new_column:
                conn.execute(NEW_COLUMN)
                self._has_new_column = True
            self._random.choice(actions)(conn)
            self.transactions += 1
            self._over.wait(1 / TRANSACTIONS_PER_SECOND)
        self._idle.set()

    def _order(self, conn: psycopg.Connection) -> None:
        order, placed = self._next_order, f"2026-{self._random.randint(1, 12):02}-15"
        self._next_order += 1
        with conn.transaction():
            conn.execute(
                "insert into shop.orders (id, placed_on, customer_id, total, note)"
                " select %s, %s, id, 49.90, 'from the application' from shop.customers offset %s limit 1",
                (order, placed, self._random.randint(0, 99)),
            )
            for line in (1, 2):
                conn.execute(
                    "insert into shop.order_lines values (%s, %s, %s, %s, 1, 24.95)", (order, placed, line, line)
                )
            conn.execute(
                "insert into shop.payments (id, order_id, amount, provider, answer, paid_at)"
                """ values (%s, %s, 49.90, 'card', '{"ok": true, "tries": [1]}', now())""",
                (order, order),
            )

    def _visit(self, conn: psycopg.Connection) -> None:
        conn.execute(
            "insert into shop.page_views values (now(), '/p/' || %s::int, null, %s)", (self._any(), self._any())
        )

    def _ship(self, conn: psycopg.Connection) -> None:
        conn.execute(
            "update shop.orders set state = 'sent', updated_at = now(), note = null where id = %s", (self._any(),)
        )

    def _reprice(self, conn: psycopg.Connection) -> None:
        conn.execute("update shop.products set price = price + 0.01, tags = tags[1:2] where id = %s", (self._any(),))

    def _count_stock(self, conn: psycopg.Connection) -> None:
        conn.execute(
            "update shop.stock set quantity = quantity + 1, counted_at = localtimestamp where product_id = %s",
            (self._any(),),
        )

    def _change_customer(self, conn: psycopg.Connection) -> None:
        level = ", loyalty_level = coalesce(loyalty_level, 0) + 1" if self._has_new_column else ""
        conn.execute(
            "update shop.customers set preferences = preferences || '{\"seen\": true}', credit = credit + 0.125001"  # noqa: S608 - a constant
            f"{level} where id = %s",
            (self._any(),),
        )

    def _retitle(self, conn: psycopg.Connection) -> None:
        conn.execute("update shop.documents set title = title || '.' where id = %s", (self._random.randint(1, 40),))

    def _review(self, conn: psycopg.Connection) -> None:
        conn.execute(
            "insert into shop.reviews (product_id, stars, body) values (%s, 5, %s)", (self._any(), "schön\n\t\\ 'x'")
        )

    def _send_back(self, conn: psycopg.Connection) -> None:
        conn.execute(
            'insert into shop."Rückgaben" ("Bestellung", "Grund", "Größe (cm)", "erhaltenAm")'
            " values (%s, %s, 1.5, now())",
            (self._any(), "gefällt nicht"),
        )
        conn.execute('update shop."LoyaltyCards" set points = points - 1 where "customerId" = %s', (self._any(),))

    def _forget(self, conn: psycopg.Connection) -> None:
        conn.execute("delete from shop.reviews where id = %s", (self._any(),))
        conn.execute('delete from shop."Rückgaben" where "Nr" = %s', (self._any(),))
        conn.execute('delete from shop."LoyaltyCards" where "customerId" = %s', (self._any() + 500,))

    def _any(self) -> int:
        return self._random.randint(1, 500)
