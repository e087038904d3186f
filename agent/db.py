"""The project's database: runs, findings, the spend ledger, shot versions, what people acknowledged.

SQLite in WAL mode with synchronous=FULL: a row that was committed is on the disk before the next step is taken. The
checkpoint tables of the graphs live in the same file.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, Engine, Numeric, UniqueConstraint, create_engine, event, false, inspect
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker
from sqlalchemy.schema import CreateColumn


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class Base(DeclarativeBase):
    """Base of all tables."""


class RunRow(Base):
    """One run: what was asked, how it stands, and its last result."""

    __tablename__ = "runs"

    id: Mapped[str] = mapped_column(primary_key=True)
    goal: Mapped[str]
    options: Mapped[dict[str, Any]] = mapped_column(JSON)
    target: Mapped[str]
    graph: Mapped[int]
    """Version of graphs and schema that began it; no other may continue it."""
    state: Mapped[str] = mapped_column(default="running")
    started: Mapped[str] = mapped_column(default=_now)
    ended: Mapped[str | None]
    result: Mapped[str | None]
    """The PassResult as JSON."""
    why: Mapped[str] = mapped_column(default="")
    """What ended a life that failed."""


class FindingRow(Base):
    """The newest word on a finding."""

    __tablename__ = "findings"

    id: Mapped[str] = mapped_column(primary_key=True)
    shot: Mapped[str]
    run: Mapped[str]
    status: Mapped[str]
    body: Mapped[str]


class LedgerRow(Base):
    """One edit, paid or free. Rows only move forward; no key names the run.

    States: intent, (unknown,) submitted, then settled with a verdict, or failed.
    """

    __tablename__ = "ledger"

    key: Mapped[str] = mapped_column(primary_key=True)
    run: Mapped[str]
    shot: Mapped[str]
    finding: Mapped[str]
    category: Mapped[str]
    action: Mapped[str]
    editor: Mapped[str]
    method: Mapped[str]
    state: Mapped[str] = mapped_column(default="intent")
    usd: Mapped[Decimal] = mapped_column(Numeric(12, 4))
    """What counts now: the reserve until the bill is known."""
    quoted: Mapped[Decimal | None] = mapped_column(Numeric(12, 4))
    reserved: Mapped[Decimal | None] = mapped_column(Numeric(12, 4))
    """The most that the bill can come to."""
    rehearsed: Mapped[bool] = mapped_column(default=False, server_default=false())
    """True where the sandbox stood in for the provider: counts for nothing and teaches nothing."""
    handle: Mapped[str | None]
    uploaded: Mapped[str | None]
    verdict: Mapped[str | None]
    at: Mapped[str] = mapped_column(default=_now)


class RouteRow(Base):
    """One choice of an editor, and everything that was known. The same choice again is the same row."""

    __tablename__ = "routes"

    key: Mapped[str] = mapped_column(primary_key=True)
    run: Mapped[str]
    shot: Mapped[str]
    finding: Mapped[str]
    action: Mapped[str]
    editor: Mapped[str]
    """The one chosen; "" where none could."""
    method: Mapped[str]
    moved: Mapped[float]
    """Log-odds by which the evidence of the region moved its chance."""
    case: Mapped[str]
    """What was known (`agent.ranking.Case`), as JSON."""
    ranked: Mapped[str]
    """The ranking, as JSON."""
    at: Mapped[str] = mapped_column(default=_now)


class VersionRow(Base):
    """One version of a shot that Suture made; v001 is what came in and has no row."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("shot", "run"),)

    shot: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    run: Mapped[str]
    path: Mapped[str]
    lineage: Mapped[str]
    """Hash of the edits that led here; stands for the pixels in edit keys."""
    at: Mapped[str] = mapped_column(default=_now)


class CurrentRow(Base):
    """Which version was made current, in order; the last row of a shot holds."""

    __tablename__ = "current_versions"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    shot: Mapped[str]
    number: Mapped[int]
    why: Mapped[str]
    at: Mapped[str] = mapped_column(default=_now)


class AcknowledgedRow(Base):
    """A finding somebody called intended. Finding ids change when the shot does, so it re-opens by itself."""

    __tablename__ = "acknowledged"

    finding: Mapped[str] = mapped_column(primary_key=True)
    why: Mapped[str]
    at: Mapped[str] = mapped_column(default=_now)


class ModelCallRow(Base):
    """One question that was sent to a model, answered or not. Written before it is sent."""

    __tablename__ = "model_calls"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=True)
    run: Mapped[str]
    about: Mapped[str]
    """The finding, shot, sheet or request it was about."""
    model: Mapped[str]
    prompt: Mapped[str]
    """Name and version, "inspect-shot@1"."""
    state: Mapped[str] = mapped_column(default="sent")
    """sent (its end is not known: it counts at its estimate), answered, or the name of what went wrong."""
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    usd: Mapped[Decimal] = mapped_column(Numeric(14, 6))
    at: Mapped[str] = mapped_column(default=_now)


class AnswerRow(Base):
    """A model's answer, by what was asked: the same question is never paid twice."""

    __tablename__ = "answers"

    key: Mapped[str] = mapped_column(primary_key=True)
    """Hash of server, model, prompt, schema, words and pictures."""
    body: Mapped[str]
    tokens_in: Mapped[int]
    tokens_out: Mapped[int]
    usd: Mapped[Decimal] = mapped_column(Numeric(14, 6))
    at: Mapped[str] = mapped_column(default=_now)


class RememberedRow(Base):
    """A question of a run that was answered from memory."""

    __tablename__ = "remembered"

    run: Mapped[str] = mapped_column(primary_key=True)
    about: Mapped[str] = mapped_column(primary_key=True)
    prompt: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str]


class SkillRow(Base):
    """What a server and model were found to be able to do."""

    __tablename__ = "model_skills"

    server: Mapped[str] = mapped_column(primary_key=True)
    model: Mapped[str] = mapped_column(primary_key=True)
    rung: Mapped[str]
    sees: Mapped[bool]
    at: Mapped[str] = mapped_column(default=_now)


def open_database(home: Path) -> sessionmaker[Session]:
    """Sessions on `home`/suture.db, made where missing."""
    home.mkdir(parents=True, exist_ok=True)
    engine = create_engine(URL.create("sqlite", database=str(home / "suture.db")), connect_args={"timeout": 30})
    event.listen(engine, "connect", _pragmas)
    Base.metadata.create_all(engine)
    _add_columns(engine)
    return sessionmaker(engine, expire_on_commit=False)


def _add_columns(engine: Engine) -> None:
    """Gives the tables of an older database the columns that came since; they may be empty or have a default."""
    known = inspect(engine)
    for table in Base.metadata.sorted_tables:
        there = {column["name"] for column in known.get_columns(table.name)}
        for column in table.columns:
            if column.name not in there:
                _add_column(engine, f"alter table {table.name} add column {CreateColumn(column).compile(engine)}")


def _add_column(engine: Engine, order: str) -> None:
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(order)
    except OperationalError as error:
        if "duplicate column" not in str(error):  # another process opened the same old database just now
            raise


def close(sessions: sessionmaker[Session]) -> None:
    """Closes every connection, so that the WAL is folded back into the file."""
    engine = sessions.kw["bind"]
    assert isinstance(engine, Engine)
    engine.dispose()


def _pragmas(connection: Any, _record: Any) -> None:
    connection.execute("pragma journal_mode=wal")
    connection.execute("pragma synchronous=full")
