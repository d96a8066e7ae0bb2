"""One region of the served sandbox, through the official client of a workspace."""

import itertools
import json
import unittest

from databricks.sdk import WorkspaceClient
from databricks.sdk.core import Config

from deployment import EAST, WEST, raw, text

_numbers = itertools.count(1)


def workspace(region=EAST, token=None, **options):
    """A client of one region's workspace, of its admin where no token is given."""
    token = token or text(region["token_file"])
    return WorkspaceClient(config=Config(host=region["workspace_url"], token=token, auth_type="pat", **options))


def fresh(prefix):
    """A name that no other test takes."""
    return f"{prefix}_{next(_numbers)}"


def call(method, path, body=None, region=EAST, token=None):
    """One call without the SDK: status, headers and JSON."""
    headers = {"Authorization": f"Bearer {token or text(region['token_file'])}"}
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body).encode()
    return raw(method, region["workspace_url"] + path, data, headers)


class RegionCase(unittest.TestCase):
    """A test of one kind in the region that is seeded as the primary."""

    @classmethod
    def setUpClass(cls):
        cls.w = workspace()
        cls.secondary = workspace(WEST)
