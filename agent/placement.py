"""Where shot repairs run: on this machine, side by side, each on its own; one that fails cancels none of the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from contextvars import Context
from typing import TypeVar

Result = TypeVar("Result")

SIDE_BY_SIDE = 16
"""Shots advanced at once; heavy work has its own, smaller limit in Deps.cpu, and waiting for a remote job is free."""


async def side_by_side(advance: Callable[[str], Awaitable[Result]], shots: Iterable[str]) -> dict[str, Result]:
    """Advances every shot and returns the results by shot; the first failure is raised when all are over.

    Each runs in an empty context: a graph that is run inside another graph's node must not inherit its configuration.
    """
    gate = asyncio.Semaphore(SIDE_BY_SIDE)

    async def one(shot: str) -> Result:
        async with gate:
            return await advance(shot)

    tasks = {shot: asyncio.create_task(one(shot), context=Context()) for shot in shots}
    done = await asyncio.gather(*tasks.values(), return_exceptions=True)
    for result in done:
        if isinstance(result, BaseException):
            raise result
    return {shot: task.result() for shot, task in tasks.items()}
