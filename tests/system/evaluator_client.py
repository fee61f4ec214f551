"""A host's evaluator over the protocol, as docs/protocol.md describes it, and a loop of its own."""
import mmap
import os

import numpy as np
import tensor_file

from host_client import SEAL_GROW, SEAL_SHRINK, mapped_tensors, sealed_memory


def aligned(count):
    return (count + 63) // 64 * 64


class Slot:
    """Memory for items of one size, shared with the service."""

    def __init__(self, shape, items):
        self.shape, self.item = shape, int(np.prod(shape)) * 4
        size = aligned(self.item) * (items - 1) + self.item
        self.fd = sealed_memory(bytes(size), SEAL_SHRINK | SEAL_GROW)
        self.memory = mmap.mmap(self.fd, size)

    def array(self, number=0):
        return np.frombuffer(self.memory, np.float32, self.item // 4,
                             number * aligned(self.item)).reshape(self.shape)


class Evaluator:
    """Prepared on a client's connection; `reply` is the service's to `prepare`."""

    def __init__(self, client, shape, tensors=None, lists=0, **keys):
        self.client, self.shape, self.slots = client, tuple(shape), None
        fds = [sealed_memory(tensor_file.pack(tensors))] if tensors else []
        if tensors:
            keys["tensors"] = 0
        if lists:
            self.slots = Slot(shape, 1), Slot(shape, lists)
            keys["slots"] = {"input": len(fds), "output": len(fds) + 1, "lists": lists}
            fds = [*fds, *(slot.fd for slot in self.slots)]
        try:
            self.reply = client.request("prepare", fds=fds, latent={"shape": list(shape)}, **keys)
        finally:
            for fd in fds:
                os.close(fd)
        self.id = self.reply["evaluator"]

    def ask(self, x, sigma, lists, **keys):
        """Sends an evaluate; the request's id."""
        keys = {"evaluator": self.id, "sigma": sigma, "lists": lists, **keys}
        if self.slots:
            self.slots[0].array()[...] = x
            return self.client.ask("evaluate", slot=True, **keys)
        fd = sealed_memory(tensor_file.pack({"x": np.ascontiguousarray(x, np.float32)}))
        try:
            return self.client.ask("evaluate", fds=[fd], tensors=0, **keys)
        finally:
            os.close(fd)

    def answer(self, request, lists):
        """The predictions, one per list; those of a slot as copies."""
        reply, fds = self.client.answer(request)
        try:
            if self.slots:
                return [self.slots[1].array(i).copy() for i in range(lists)]
            tensors = mapped_tensors(fds[reply["tensors"]])
            return [tensors[f"out.{i}"] for i in range(lists)]
        finally:
            for fd in fds:
                os.close(fd)

    def __call__(self, x, sigma, lists, **keys):
        return self.answer(self.ask(x, sigma, lists, **keys), len(lists))

    def add(self, conds, tensors=None):
        return self.client_with(tensors, "add_conds", conds=conds)

    def drop(self, *ids):
        return self.client.request("drop_conds", evaluator=self.id, conds=list(ids))

    def client_with(self, tensors, kind, **keys):
        if not tensors:
            return self.client.request(kind, evaluator=self.id, **keys)
        fd = sealed_memory(tensor_file.pack(tensors))
        try:
            return self.client.request(kind, fds=[fd], tensors=0, evaluator=self.id, **keys)
        finally:
            os.close(fd)

    def release(self):
        self.client.request("release", evaluator=self.id)


def euler(evaluator, x, sigmas, cfg, positive, negative, strengths=lambda step: {}):
    """k-diffusion's Euler steps in float32, with ComfyUI's order of operations."""
    one = np.float32
    for step, (sigma, after) in enumerate(zip(sigmas[:-1], sigmas[1:])):
        cond, uncond = evaluator(x, float(sigma), [positive, negative],
                                 hook_strengths=strengths(step))
        denoised = uncond + (cond - uncond) * one(cfg)
        x = x + (x - denoised) / one(sigma) * one(after - sigma)
    return x
