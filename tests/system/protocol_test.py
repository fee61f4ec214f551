"""The host protocol as a well-behaved host uses it: every request, every event, results."""
import json
import os
import unittest

import numpy
from service import wait_until

import host_client
from host_client import Client, same_bits
from jobs import golden_job, long_job, picture_job
from service_case import ServiceCase


class Requests(ServiceCase):
    def test_hello_names_versions_session_and_limits(self):
        welcome = self.client().welcome
        self.assertEqual(welcome["protocol"], 1)
        self.assertTrue(welcome["session"])
        self.assertTrue(welcome["version"])
        self.assertIsInstance(welcome["limits"], dict)

    def test_session_is_taken_up_again(self):
        session = self.client().welcome["session"]
        self.assertEqual(self.client(session=session).welcome["session"], session)

    def test_session_that_is_not_known_is_a_new_one(self):
        session = self.client(session="0" * 32).welcome["session"]
        self.assertNotEqual(session, "0" * 32)
        self.assertEqual(self.client(session=session).welcome["session"], session)

    def test_version_that_is_not_spoken(self):
        client = self.client(hello=False)
        self.refused("unsupported_version", client.request, "hello", protocol=[7, 9], client="t")

    def test_catalog(self):
        catalog = self.client().request("catalog")
        text = json.dumps(catalog)
        for name in ("euler_ancestral", "dpmpp_2m", "karras", "kl_optimal", "s_churn", "sdxl"):
            self.assertIn(f'"{name}"', text)
        self.assertLessEqual({"families", "samplers", "schedulers", "guiders"}, catalog.keys())

    def test_devices_name_their_workers(self):
        workers = self.client().workers()
        self.assertEqual([w["name"] for w in workers], ["cpu#0", "cpu#1"])
        # A process that was just started is not that program yet.
        pids = sorted(w["pid"] for w in workers)
        wait_until(lambda: self.service.pids_of("tandem-worker") == pids, 10,
                   "these are the workers' processes")

    def test_ping(self):
        self.assertTrue(self.client().request("ping")["ok"])

    def test_unknown_key_is_an_error_and_the_connection_stays(self):
        client = self.client()
        self.refused("unknown_key", client.request, "ping", colour="red")
        client.request("ping")

    def test_unknown_type_is_an_error_and_the_connection_stays(self):
        client = self.client()
        self.refused(("bad_request", "unsupported"), client.request, "dance")
        client.request("ping")

    def test_replies_to_several_requests_in_flight(self):
        client = self.client()
        asked = [client.ask(kind) for kind in ("ping", "catalog", "devices", "jobs", "ping")]
        for request in reversed(asked):
            self.assertTrue(client.answer(request)[0]["ok"])


class Jobs(ServiceCase):
    def check_golden(self, name):
        job, tensors, expected, tolerance = golden_job(name)
        got = self.client().run(job, tensors)
        for key, want in expected.items():
            self.assertEqual(got[key].shape, want.shape)
            self.assertLessEqual(host_client.distance(got[key], want), tolerance[key], key)

    def test_job_with_tensors_gives_the_reference_result(self):
        self.check_golden("conds/plain")

    def test_job_with_text_and_picture_gives_the_reference_result(self):
        self.check_golden("whole/sd1")

    def test_tokens_come_as_json(self):
        client = self.client()
        job = picture_job(output={"tokens": True})
        reply, _ = client.result(client.submit(job))
        tokens = reply["outputs"]["tokens"]
        entry = tokens.get("tokens", tokens)["positive"][0]["l"][0]
        self.assertEqual(len(entry), 77)
        self.assertEqual(entry[0], [49406, 1.0])

    def test_outputs_name_the_tensors(self):
        client = self.client()
        reply, tensors = client.result(client.submit(picture_job(output={"latent": True,
                                                                         "image": True})))
        self.assertEqual(reply["outputs"], {"latent": ["samples"], "image": ["image"]})
        self.assertEqual(tensors["samples"].shape, (1, 4, 16, 16))
        self.assertEqual(tensors["image"].shape, (1, 128, 128, 3))

    def test_tensors_of_a_result_are_aligned_and_sealed(self):
        client = self.client()
        job = client.submit(picture_job(steps=1))
        reply, fds = client.answer(client.ask("result", job=job))
        self.assertEqual(host_client.data_alignment(fds[reply["tensors"]]), 0)
        with self.assertRaises(OSError):
            os.ftruncate(fds[0], 0)
        with self.assertRaises(OSError):
            os.write(fds[0], b"x")
        for fd in fds:
            os.close(fd)

    def test_events_before_the_result_without_gaps(self):
        client = self.client()
        job = client.submit(picture_job(steps=6))
        client.result(job)
        events = client.events_of(job)
        self.assertEqual([e["seq"] for e in events], list(range(1, len(events) + 1)))
        steps = [e for e in events if e["event"] == "step"]
        self.assertEqual([(e["step"], e["total"]) for e in steps], [(n, 6) for n in range(1, 7)])
        self.assertEqual(sorted((e["sigma"] for e in steps), reverse=True),
                         [e["sigma"] for e in steps])
        phases = [e["phase"] for e in events if e["event"] == "phase"]
        self.assertEqual(phases[-1], "done")
        self.assertLess(phases.index("sampling"), phases.index("done"))

    def test_previews_on_request(self):
        client, other = self.client(), self.client()
        job = client.submit(picture_job(steps=6, latent={"width": 128, "height": 64, "batch": 2}),
                            events=["phase", "step", "preview"])
        other.request("watch", job=job)
        result = client.result(job)[1]["samples"]
        other.result(job)
        self.assertEqual(other.previews, [], "who did not ask for them")
        previews = client.previews
        self.assertTrue(previews)
        self.assertEqual(previews[-1]["step"], 6)
        for preview in previews:
            self.assertNotIn("seq", preview)
            self.assertEqual(client.events[preview["after"] - 1]["event"], "step")
            self.assertGreaterEqual(client.events[preview["after"] - 1]["step"], preview["step"])
        x0, colours = previews[-1]["arrays"]["x0"], previews[-1]["arrays"]["preview"]
        self.assertEqual((x0.dtype, x0.shape), (numpy.float16, (2, 4, 8, 16)))
        self.assertEqual((colours.dtype, colours.shape), (numpy.uint8, (8, 16, 3)))
        # Euler's last step ends at its prediction; the latent is in ComfyUI's units.
        self.assertLess(host_client.distance(x0.astype(numpy.float32), result * 0.18215), 1e-2)

    def test_a_preview_is_the_first_thing_that_a_slow_reader_loses(self):
        client, other = self.client(), self.client()
        job = client.submit(picture_job(steps=400, size=64), events=["preview"])
        other.result(job)  # the first client reads nothing meanwhile
        client.result(job)
        self.assertEqual([e["step"] for e in client.events_of(job, "step")], list(range(1, 401)))
        self.assertLess(len(client.previews), 100)
        steps = [p["step"] for p in client.previews]
        self.assertEqual(steps, sorted(steps))

    def test_watch_replays_what_was_missed(self):
        first = self.client()
        job = first.submit(picture_job(steps=5))
        first.result(job)
        events = first.events_of(job)
        for after in (0, 3, len(events)):
            later = self.client()
            later.request("watch", job=job, after=after)
            self.assertEqual(later.events_of(job), events[after:])

    def test_watch_of_a_running_job_has_no_gap(self):
        first, second = self.client(), self.client()
        job = first.submit(picture_job(steps=60))
        first.wait_for(job, lambda e: e["event"] == "step")
        second.request("watch", job=job, after=0)
        second.result(job)
        first.result(job)
        self.assertEqual(second.events_of(job), first.events_of(job))

    def test_result_is_kept_until_it_is_forgotten(self):
        client = self.client()
        job = client.submit(picture_job())
        first = client.result(job)[1]
        self.assertTrue(same_bits(first, self.client().result(job)[1]))
        client.request("forget", job=job)
        self.refused("not_found", client.result, job)

    def test_job_and_jobs(self):
        client = self.client()
        job = client.submit(picture_job())
        client.result(job)
        self.assertEqual(client.request("job", job=job)["state"], "done")
        self.assertIn(job, json.dumps(client.request("jobs")))
        self.refused("not_found", client.request, "job", job="no-such-job")

    def test_cancel(self):
        client = self.client()
        job = client.submit(long_job())
        client.wait_for(job, lambda e: e["event"] == "step")
        client.request("cancel", job=job)
        client.request("cancel", job=job)
        self.refused("cancelled", client.result, job)
        self.assertEqual(client.events_of(job)[-1]["phase"], "cancelled")
        self.assertEqual(client.request("job", job=job)["state"], "cancelled")

    def test_cancel_of_a_queued_job(self):
        client = self.client()
        running, queued = client.submit(long_job()), client.submit(picture_job())
        client.request("cancel", job=queued)
        self.refused("cancelled", client.result, queued)
        client.request("cancel", job=running)
        self.refused("cancelled", client.result, running)

    def test_job_outlives_its_connection_or_not(self):
        watcher = self.client()
        for policy, state in (("keep", "done"), ("cancel", "cancelled")):
            with self.subTest(policy):
                leaver = Client(self.service.socket)
                steps = 40 if policy == "keep" else 2000
                job = leaver.submit(picture_job(steps=steps), on_disconnect=policy)
                leaver.wait_for(job, lambda e: e["event"] == "step")
                leaver.close()
                wait_until(lambda: watcher.request("job", job=job)["state"] == state, 60, state)

    def test_a_host_that_comes_back_finds_its_jobs_and_each_event_once(self):
        host = Client(self.service.socket)
        session = host.welcome["session"]
        jobs = [host.submit(picture_job(steps=30)) for _ in range(2)]
        self.client().submit(picture_job(steps=1))
        host.wait_for(jobs[0], lambda e: e["event"] == "step")
        seen = {job: host.events_of(job) for job in jobs}
        host.close()
        again = self.client(session=session)
        found = [j["job"] for j in again.request("jobs")["jobs"] if j["session"] == session]
        self.assertEqual(found, jobs)
        for job in jobs:
            again.request("watch", job=job, after=seen[job][-1]["seq"])
        for job in jobs:
            again.result(job)
            numbers = [e["seq"] for e in seen[job] + again.events_of(job)]
            self.assertEqual(numbers, list(range(1, len(numbers) + 1)))
            self.assertEqual(again.events_of(job)[-1]["phase"], "done")

    def test_same_job_twice_has_the_same_bits(self):
        client = self.client()
        self.assertTrue(same_bits(client.run(picture_job()), client.run(picture_job())))
        self.assertFalse(same_bits(client.run(picture_job()), client.run(picture_job(seed=2))))


if __name__ == "__main__":
    unittest.main()
