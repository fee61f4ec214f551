"""What the service tells about itself; keys that are not known are left out."""
from __future__ import annotations

from typing import Any, TypedDict


class WorkerState(TypedDict, total=False):
    name: str
    state: str
    pid: int
    threads: int
    units_done: int
    units_per_second: float
    reason: str


class Device(TypedDict, total=False):
    name: str
    type: str
    description: str
    memory_total: int
    memory_free: int
    models: dict[str, int]  # bytes held
    held: int
    budget: int | None
    state: str
    reason: str
    workers: list[WorkerState]


class JobState(TypedDict, total=False):
    job: str
    state: str
    step: int
    total: int
    error: dict[str, Any]


class Sampler(TypedDict):
    name: str
    options: dict[str, Any]


class Catalog(TypedDict, total=False):
    families: list[dict[str, str]]
    samplers: list[Sampler]
    schedulers: list[str]
    guiders: list[str]
    context_schedules: list[str]
    hook_types: list[str]
    device_types: list[str]
    plugins: list[dict[str, Any]]
