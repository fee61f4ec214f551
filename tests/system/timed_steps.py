"""How long the steps of a job take, as its host sees them."""
import time


def timed_steps(client, work, tensors=None):
    """(results, milliseconds from each step's event to the next one's, all step events) of a job that is run."""
    number, moments, told = client.submit(work, tensors), [], []
    seen = len(client.events)
    while not any(e.get("phase") in ("done", "failed") for e in client.events_of(number)):
        client.take_one()
        new, seen = client.events[seen:], len(client.events)
        moments += [time.monotonic() for e in new if e["event"] == "step"]
        told += [e for e in new if e["event"] == "step"]
    return client.result(number)[1], [1e3 * (b - a) for a, b in zip(moments, moments[1:])], told
