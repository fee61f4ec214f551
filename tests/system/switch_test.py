"""A LoRA switched on and off two hundred times: the bits of a fresh start, and no memory that stays."""
import math
import unittest
from pathlib import Path

import tensor_file
from service import Service, wait_until

from host_client import Client, same_bits
from hooks_test import LORA, fresh, lora_job
from jobs import picture_job

SETTLED, SWITCHES = 50, 200


def private_bytes(pids):
    """What these processes share with nobody."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            name, *rest = line.split()
            if name in ("Private_Clean:", "Private_Dirty:"):
                total += int(rest[0]) * 1024
    return total


def merged_bytes(lora):
    """Of the float32 weights that the LoRA's pairs change."""
    tensors = tensor_file.load(lora)
    return sum(4 * up.shape[0] * math.prod(tensors[name.replace("lora_up", "lora_down")].shape[1:])
               for name, up in tensors.items() if name.endswith("lora_up.weight"))


class Switched(unittest.TestCase):
    def test_two_hundred_times(self):
        plain, patched = (picture_job(steps=2, size=64) for _ in range(2))
        patched["model"] = lora_job(0.8)["model"]
        expected = [fresh(plain), fresh(patched)]
        self.assertFalse(same_bits(*expected))
        private = {}
        with Service("cpu:2", threads=1) as service:
            client = Client(service.socket, timeout=120)
            wait_until(lambda: all(w["state"] == "ready" for w in client.workers()), 60, "all are ready")
            for turn in range(1, SWITCHES + 1):
                result = client.run((plain, patched)[turn % 2])
                self.assertTrue(same_bits(result, expected[turn % 2]), f"turn {turn}")
                if turn in (SETTLED, SWITCHES):
                    private[turn] = private_bytes(service.pids_of("tandem-worker"))
            client.close()
        # Every other turn merges the LoRA anew. The bound is what one merge makes: it is passed if
        # of all the merges in between one stays whole, or a seventy-fifth of each.
        self.assertLess(private[SWITCHES] - private[SETTLED], merged_bytes(LORA))


if __name__ == "__main__":
    unittest.main()
