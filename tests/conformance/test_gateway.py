"""The official SDK's workspace client at a stable URL, in a loop while the group that the URL follows fails over and back."""

import json
import pathlib
import threading
import unittest

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.disasterrecovery import (
    FailoverFailoverGroupRequestFailoverType as FailoverType,
    StableUrl,
    WorkspaceSet,
)

from deployment import EAST, PARENT, READY, WEST, catalogs, group, name, raw, text, until, url_name, with_client

# The login at the account, which the workspaces of both regions take.
ACCOUNT_TOKEN = text(pathlib.Path(EAST["token_file"]).parent.parent / "account.token")


class Loop(threading.Thread):
    """Asks who it is and which catalogs there are, over and over."""

    def __init__(self, stable_id):
        super().__init__()
        self.client = WorkspaceClient(
            host=READY["gateway_url"], workspace_id=stable_id, token=ACCOUNT_TOKEN, auth_type="pat"
        )
        self.ended = threading.Event()
        self.answers = []
        self.problem = None

    def run(self):
        try:
            while not self.ended.is_set():
                me = self.client.current_user.me()
                assert me.user_name, me
                self.answers.append(str(self.client.metastores.current().metastore_id))
        except Exception as problem:  # It is told to whoever joins.
            self.problem = problem

    def end(self):
        self.ended.set()
        self.join()
        if self.problem is not None:
            raise self.problem
        return self.answers


class Gateway(unittest.TestCase):
    def test_a_workspace_client_notices_no_failover(self):
        account = with_client()
        dr = account.disaster_recovery
        made = dr.create_stable_url(PARENT, StableUrl(initial_workspace_id=EAST["workspace_id"]), "loop")
        self.addCleanup(dr.delete_stable_url, url_name("loop"))
        self.assertTrue(made.url.startswith(READY["gateway_url"] + "/?w="), made.url)
        both = WorkspaceSet(
            name="workspaces",
            workspace_ids=[EAST["workspace_id"], WEST["workspace_id"]],
            stable_url_names=[url_name("loop")],
        )
        dr.create_failover_group(PARENT, group(catalogs()[-1], workspace_sets=[both]), "loop")
        try:
            until(account, "loop")
            loop = Loop(made.url.split("=")[-1])
            loop.start()
            # The SDK knows forced failovers only.
            body = json.dumps({"target_primary_region": WEST["region"], "failover_type": "PLANNED"}).encode()
            login = {"Authorization": f"Bearer {text(READY['token_file'])}", "Content-Type": "application/json"}
            path = f"/api/disaster-recovery/v1/{name('loop')}/failover"
            status, _, answer = raw("POST", path, body, login)
            self.assertEqual(status, 200, answer)
            until(account, "loop")
            dr.failover_failover_group(name("loop"), EAST["region"], FailoverType.FORCED)
            until(account, "loop")
            answers = loop.end()
        finally:
            dr.delete_failover_group(name("loop"))
            until(account, "loop", state=None)
        order = [one for one, before in zip(answers, [None, *answers]) if one != before]
        self.assertEqual(order, [EAST["metastore_id"], WEST["metastore_id"], EAST["metastore_id"]])


if __name__ == "__main__":
    unittest.main()
