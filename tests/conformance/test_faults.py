"""What goes wrong in a region on purpose, and how the official client meets it."""

import time
import unittest

from databricks.sdk.errors import (
    BadRequest,
    DatabricksError,
    NotFound,
    NotImplemented,
    RequestLimitExceeded,
    ResourceExhausted,
    Unauthenticated,
)

from region import RegionCase, WEST, call, fresh, workspace

FAULTS = "/api/2.0/sandbox/faults"


class Faults(RegionCase):
    """In the secondary, so that no other test meets them."""

    def setUp(self):
        self.addCleanup(self.switch)

    def switch(self, **faults):
        status, _, answer = call("PUT", FAULTS, faults, WEST)
        self.assertEqual(status, 200, answer)

    def test_too_many_calls_are_told_when_to_come_again(self):
        path = "/api/2.2/jobs/create"
        self.switch(limits=[{"path": path, "calls": 1, "seconds": 60, "retry_after_seconds": 2}])
        self.assertEqual(call("POST", path, {"name": "a"}, WEST)[0], 200)
        status, headers, answer = call("POST", path, {"name": "b"}, WEST)
        self.assertEqual((status, headers["Retry-After"], answer["error_code"]), (429, "2", "REQUEST_LIMIT_EXCEEDED"))
        self.assertEqual(answer["details"][0]["retry_delay"], "2s")
        hurried = workspace(WEST, retry_timeout_seconds=1)
        with self.assertRaises(TimeoutError) as refused:
            hurried.jobs.create(name="c")
        self.assertIsInstance(refused.exception.__cause__, RequestLimitExceeded)
        self.switch(limits=[{"path": path, "method": "POST", "calls": 1, "seconds": 2}])
        begun = time.monotonic()
        for name in ("d", "e"):
            self.secondary.jobs.create(name=name)
        self.assertGreater(time.monotonic() - begun, 1)

    def test_unity_catalog_has_a_code_of_its_own(self):
        self.switch(limits=[{"path": "/api/2.1/unity-catalog/", "calls": 0, "seconds": 60, "retry_after_seconds": 1}])
        with self.assertRaises(TimeoutError) as refused:
            list(workspace(WEST, retry_timeout_seconds=1).catalogs.list())
        self.assertIsInstance(refused.exception.__cause__, ResourceExhausted)

    def test_a_region_may_lack_an_endpoint(self):
        for status, error in ((404, NotFound), (405, DatabricksError), (501, NotImplemented)):
            self.switch(unserved=[{"path": "/api/2.0/lakeview", "status": status}])
            with self.assertRaises(error):
                list(self.secondary.lakeview.list())
            self.secondary.warehouses.list()

    def test_a_quota_is_reached(self):
        self.switch(quotas={"jobs": 0})
        with self.assertRaises(BadRequest) as refused:
            self.secondary.jobs.create(name=fresh("one_more"))
        self.assertEqual(refused.exception.error_code, "QUOTA_EXCEEDED")

    def test_tokens_expire(self):
        self.switch(expired_tokens=["admin@example.com"])
        with self.assertRaises(Unauthenticated):
            self.secondary.current_user.me()
        self.switch()
        self.secondary.current_user.me()

    def test_ids_may_be_the_region_s_own(self):
        body = {"name": fresh("job"), "job_id": 123456}
        self.switch(ids_are_its_own=True)
        self.assertFalse(call("GET", "/api/2.0/sandbox/capabilities", region=WEST)[2]["keeps_ids"])
        self.assertNotEqual(call("POST", "/api/2.2/jobs/create", body, WEST)[2]["job_id"], 123456)
        self.switch()
        self.assertEqual(call("POST", "/api/2.2/jobs/create", body, WEST)[2]["job_id"], 123456)

    def test_a_wrong_switch_is_refused(self):
        self.assertEqual(call("PUT", FAULTS, {"unserved": [{"path": "/", "status": 500}]}, WEST)[0], 400)
        self.assertEqual(call("PUT", FAULTS, {"typo": 1}, WEST)[0], 400)


if __name__ == "__main__":
    unittest.main()
