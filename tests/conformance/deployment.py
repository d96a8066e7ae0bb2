"""What every test here starts from: a served deployment, and official clients logged in to it."""

import json
import os
import time
import urllib.error
import urllib.request

from databricks.sdk import AccountClient, WorkspaceClient
from databricks.sdk.errors import NotFound
from databricks.sdk.service.disasterrecovery import (
    FailoverGroup,
    FailoverGroupState,
    LocationMapping,
    LocationMappingEntry,
    UcCatalog,
    UcReplicationConfig,
    WorkspaceSet,
)

READY = json.loads(os.environ["READY"])
PARENT = f"accounts/{READY['account_id']}"
EAST, WEST = READY["regions"]


def text(path):
    with open(path, encoding="utf-8") as file:
        return file.read().strip()


def with_token():
    return AccountClient(
        host=READY["api_url"], account_id=READY["account_id"], token=text(READY["token_file"]), auth_type="pat"
    )


def with_client():
    client = json.loads(text(READY["client_file"]))
    return AccountClient(
        host=READY["api_url"],
        account_id=READY["account_id"],
        client_id=client["client_id"],
        client_secret=client["client_secret"],
        auth_type="oauth-m2m",
    )


def name(group_id):
    return f"{PARENT}/failover-groups/{group_id}"


def url_name(url_id):
    return f"{PARENT}/stable-urls/{url_id}"


def catalogs():
    """Names of the primary's further catalogs, each with one small table."""
    client = WorkspaceClient(host=EAST["workspace_url"], token=text(EAST["token_file"]), auth_type="pat")
    return sorted(c.name for c in client.catalogs.list() if c.name.startswith("business_unit_"))


def group(*names, **changes):
    fields = dict(
        regions=[EAST["region"], WEST["region"]],
        initial_primary_region=EAST["region"],
        workspace_sets=[
            WorkspaceSet(name="workspaces", workspace_ids=[EAST["workspace_id"], WEST["workspace_id"]])
        ],
        unity_catalog_assets=UcReplicationConfig(
            catalogs=[UcCatalog(name=n) for n in names],
            data_replication_workspace_set="workspaces",
            location_mappings=[
                LocationMapping(
                    name="storage",
                    uri_by_region=[
                        LocationMappingEntry(region=r["region"], uri=r["storage_root"].rstrip("/") + "/*")
                        for r in (EAST, WEST)
                    ],
                )
            ],
        ),
    )
    return FailoverGroup(**{**fields, **changes})


def until(account, group_id, state=FailoverGroupState.ACTIVE, seconds=120):
    """Waits for a state; None waits until the group is gone."""
    end = time.monotonic() + seconds
    while True:
        try:
            found = account.disaster_recovery.get_failover_group(name(group_id))
        except NotFound:
            if state is None:
                return None
            raise
        if found.state == state:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {state}: {found}")
        time.sleep(0.1)


def raw(method, path, body=None, headers=None):
    """One call without the SDK: status, headers and JSON."""
    url = path if path.startswith("http") else READY["api_url"] + path
    request = urllib.request.Request(url, method=method, data=body, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.headers, json.loads(answer.read())
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers, json.loads(refused.read())
