"""A test case with a running service and what its tests ask of a client."""
import unittest

from service import Service

from host_client import Client, Refused


class ServiceCase(unittest.TestCase):
    """One service for the class: what one test does to it must not matter to the next."""

    @classmethod
    def setUpClass(cls):
        cls.service = cls.enterClassContext(Service("cpu:2"))

    def client(self, **keys):
        client = Client(self.service.socket, **keys)
        self.addCleanup(client.close)
        return client

    def refused(self, code, call, *arguments, **keys):
        """Calls, expects this error, and returns it."""
        codes = (code,) if isinstance(code, str) else code
        with self.assertRaises(Refused) as caught:
            call(*arguments, **keys)
        self.assertIn(caught.exception.code, codes, caught.exception.error)
        return caught.exception.error
