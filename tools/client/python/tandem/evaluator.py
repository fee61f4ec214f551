"""Denoised predictions for a sampler of the host's: calc_cond_batch on all workers."""
from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from . import _inline, _memory, _tensors
from ._channel import Channel, Message, Reply, Revive, close_all, connect_within
from .errors import ServiceLost, TandemError
from .job import POLL_SECONDS, Interrupt

if TYPE_CHECKING:
    Floats = np.ndarray[Any, np.dtype[np.float32]]

CANCEL_SECONDS = 5.0  # how long an evaluate that was cancelled is waited for


class Evaluator:
    """A context manager, used by one thread at a time; it has a connection of its own.

        with client.evaluator({"file": path}, (1, 4, 64, 64), {"a": {"text": "a cat"}}) as e:
            denoised, = e.evaluate(x, sigma, [["a"]])

    `model`, `hooks`, `sampling` and `workers` as in a job, conds as in a job or as `model_conds`,
    `patches` as in docs/protocol.md; an array may stand where a tensor is named, `tensors` has
    those that are named. `context` are context windows, as in a job; those of the uniform schedules
    go by the step, which a sigma's place in `sigmas`, those of the run, tells. `lists` is how many
    lists an evaluate usually has. `info` is the reply to `prepare`: what a sampler needs.

    Where the service dies, the evaluator is prepared again at the one that follows, and the
    evaluate is asked once more: nothing of it depends on what was before.
    """

    def __init__(self, socket: str, model: Mapping[str, Any], shape: Sequence[int],
                 conds: Mapping[str, Mapping[str, Any]], *,
                 hooks: Mapping[str, Any] | None = None,
                 patches: Sequence[Mapping[str, Any]] | None = None,
                 sampling: Mapping[str, Any] | None = None,
                 workers: Mapping[str, Any] | None = None,
                 context: Mapping[str, Any] | None = None,
                 sigmas: Sequence[float] | None = None,
                 tensors: Mapping[str, Any] | None = None, lists: int = 2,
                 name: str = "tandem for Python", reconnect: float = 15.0,
                 revive: Revive = None) -> None:
        self.shape = tuple(int(n) for n in shape)
        self.info: Message = {}
        self._socket, self._name = socket, name
        self._reconnect, self._revive = reconnect, revive
        self._tensors = dict(tensors or {})
        self._conds = dict(conds)
        self._options = {key: value for key, value in (
            ("model", model), ("hooks", hooks), ("patches", patches), ("sampling", sampling),
            ("workers", workers), ("context", context),
            ("sigmas", sigmas if sigmas is None else [float(s) for s in sigmas])) if value}
        self._input = _memory.Slot(self.shape, 1)
        self._output = _memory.Slot(self.shape, lists)
        self._channel: Channel | None = None
        try:
            self._prepare(Channel(socket, _ignore, name=name))
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Evaluator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def conds(self) -> frozenset[str]:
        """The ids that `lists` may name."""
        return frozenset(self._conds)

    def add_conds(self, conds: Mapping[str, Mapping[str, Any]]) -> None:
        self._conds |= conds
        self._request("add_conds", conds=conds)

    def drop_conds(self, ids: Sequence[str]) -> None:
        for cond in ids:
            self._conds.pop(cond, None)
        self._request("drop_conds", conds=list(ids))

    def evaluate(self, x: Any, sigma: float | Sequence[float], lists: Sequence[Sequence[str]],
                 hook_strengths: Mapping[str, float] | None = None, *, copy: bool = True,
                 interrupt: Interrupt = None) -> list[Floats]:
        """A denoised prediction per list of cond ids; an empty list gives zeros.

        `x`: an array or a torch tensor of the prepared shape, in the sampler's space. With
        `copy=False` the results are views that the next evaluate writes over. `interrupt` is called
        every 50 ms; when it raises, or on KeyboardInterrupt, the evaluate is cancelled.
        """
        for last_try in (False, True):
            try:
                if len(lists) > len(self._output.arrays):
                    return self._evaluate_by_tensors(x, sigma, lists, hook_strengths, interrupt)
                fill(self._input.arrays[0], x)
                self._finish(self._send(sigma, lists, hook_strengths), interrupt)
                views = self._output.arrays[:len(lists)]
                return [view.copy() for view in views] if copy else list(views)
            except ServiceLost:
                if last_try:
                    raise
                self._prepare_again()
        raise AssertionError

    def close(self) -> None:
        """Releases it; the service frees what it held for it."""
        if self._channel:
            self._channel.close()
            self._channel = None
        self._input.close()
        self._output.close()

    def _open_channel(self) -> Channel:
        if self._channel is None:
            raise TandemError("This evaluator was closed.", code="closed")
        return self._channel

    def _prepare(self, channel: Channel) -> None:
        tensors = dict(self._tensors)
        keys = _inline.named({**self._options, "conds": self._conds}, tensors)
        fds = [_tensors.sealed_file(tensors)] if tensors else []
        first = len(fds)
        if tensors:
            keys["tensors"] = 0
        slots = {"input": first, "output": first + 1, "lists": len(self._output.arrays)}
        try:
            self.info = channel.request(
                "prepare", [*fds, self._input.fd, self._output.fd], slots=slots,
                latent={"shape": list(self.shape)}, **keys)
        except BaseException:
            channel.close()
            raise
        finally:
            close_all(fds)
        self._channel = channel
        self._id = self.info["evaluator"]
        self._head = f'"type": "evaluate", "evaluator": {json.dumps(self._id)}, "sigma": '

    def _prepare_again(self) -> None:
        self._open_channel().close()
        self._prepare(connect_within(self._reconnect, self._socket, _ignore, "", self._name,
                                     self._revive))

    def _request(self, kind: str, **keys: Any) -> None:
        """Changes the conds; a service that was started again has them from `prepare`."""
        tensors: dict[str, Any] = {}
        keys = _inline.named(keys, tensors)
        fds = [_tensors.sealed_file(tensors)] if tensors else []
        if fds:
            keys["tensors"] = 0
        try:
            self._open_channel().request(kind, fds, evaluator=self._id, **keys)
        except ServiceLost:
            self._prepare_again()
        finally:
            close_all(fds)

    def _send(self, sigma: Any, lists: Any, strengths: Mapping[str, float] | None,
              fds: Sequence[int] = ()) -> int:
        """Sends an evaluate, x being in the slot, or in a descriptor; its id."""
        channel = self._open_channel()
        request = channel.next_id()
        # Written out, since this is what a sampler does at every step.
        text = sigma_text(sigma)
        hooks = f', "hook_strengths": {json.dumps(dict(strengths))}' if strengths else ""
        place = '"tensors": 0' if fds else '"slot": true'
        channel.send(f'{{"id": {request}, {self._head}{text}, "lists": {json.dumps(lists)}{hooks}, '
                     f"{place}}}".encode(), fds)
        return request

    def _finish(self, request: int, interrupt: Interrupt) -> Reply:
        channel = self._open_channel()
        try:
            while True:
                reply = channel.answer(request, POLL_SECONDS if interrupt else None)
                if reply is not None:
                    return reply
                if interrupt:
                    interrupt()
        except TandemError:
            raise
        except BaseException:
            self._cancel(channel, request)
            raise

    def _cancel(self, channel: Channel, request: int) -> None:
        """Ends an evaluate and takes its answer away, so that the slots are free again."""
        try:
            channel.request("cancel", evaluator=self._id, request=request)
            reply = channel.answer(request, CANCEL_SECONDS)
            if reply is None:
                channel.give_up(request)
            else:
                close_all(reply[1])
        except TandemError:
            pass  # `cancelled`, as asked for, or the service is gone

    def _evaluate_by_tensors(self, x: Any, sigma: Any, lists: Any,
                             strengths: Mapping[str, float] | None,
                             interrupt: Interrupt) -> list[Floats]:
        whole = np.empty(self.shape, np.float32)
        fill(whole, x)
        fd = _tensors.sealed_file({"x": whole})
        try:
            request = self._send(sigma, lists, strengths, [fd])
        finally:
            close_all([fd])
        reply, fds = self._finish(request, interrupt)
        tensors = _tensors.mapped(fds.pop(reply["tensors"]))
        close_all(fds)
        return [tensors[f"out.{k}"] for k in range(len(lists))]


def fill(view: Floats, x: Any) -> None:
    """Copies an array, or a torch tensor of any device, to where the service reads it."""
    if tuple(x.shape) != view.shape:
        raise ValueError(f"x has shape {tuple(x.shape)}, but {view.shape} was prepared")
    if _tensors.is_torch(x):
        import torch
        torch.from_numpy(view).copy_(x.detach())
    else:
        np.copyto(view, x, casting="same_kind")


def sigma_text(sigma: Any) -> str:
    """A number, or one per item, as JSON; a NumPy or torch value too."""
    if hasattr(sigma, "tolist"):
        sigma = sigma.tolist()
    return json.dumps([float(s) for s in sigma] if isinstance(sigma, (list, tuple))
                      else float(sigma))


def _ignore(_: Message, fds: list[int]) -> None:
    close_all(fds)
