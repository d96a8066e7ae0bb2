"""Both logins, and what a wrong one gets."""

import json
import unittest

from databricks.sdk import AccountClient
from databricks.sdk.errors import Unauthenticated

from deployment import EAST, READY, WEST, raw, text, with_client, with_token


class Login(unittest.TestCase):
    def test_a_token_and_client_credentials_both_list_the_accounts_workspaces(self):
        for account in (with_token(), with_client()):
            found = {w.workspace_id: w for w in account.workspaces.list()}
            self.assertEqual(set(found), {int(EAST["workspace_id"]), int(WEST["workspace_id"])})
            east = account.workspaces.get(int(EAST["workspace_id"]))
            self.assertEqual(east.aws_region, EAST["region"])

    def test_discovery_fills_in_the_account(self):
        client = json.loads(text(READY["client_file"]))
        account = AccountClient(
            host=READY["api_url"],
            account_id=READY["account_id"],
            client_id=client["client_id"],
            client_secret=client["client_secret"],
        )
        self.assertEqual(account.config.auth_type, "oauth-m2m")
        self.assertIn("/.well-known/oauth-authorization-server", account.config.discovery_url)
        self.assertEqual(list(account.disaster_recovery.list_stable_urls(f"accounts/{READY['account_id']}")), [])

    def test_a_wrong_token_is_unauthenticated(self):
        account = AccountClient(
            host=READY["api_url"], account_id=READY["account_id"], token="rct-0000-0000", auth_type="pat"
        )
        with self.assertRaises(Unauthenticated):
            list(account.workspaces.list())

    def test_a_wrong_client_secret_is_refused(self):
        client = json.loads(text(READY["client_file"]))
        account = AccountClient(
            host=READY["api_url"],
            account_id=READY["account_id"],
            client_id=client["client_id"],
            client_secret="wrong",
            auth_type="oauth-m2m",
        )
        with self.assertRaisesRegex(ValueError, "invalid_client"):
            list(account.workspaces.list())

    def test_the_document_of_the_api_is_served_to_anybody(self):
        status, _, document = raw("GET", "/openapi.json")
        self.assertEqual(status, 200)
        self.assertTrue(document["openapi"].startswith("3."))


if __name__ == "__main__":
    unittest.main()
