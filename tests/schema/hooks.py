"""Puts what exists into half of the calls that fit the schema: this account, its workspaces, free catalogs, known ids."""

import json
import os
import zlib

import schemathesis

READY = json.loads(os.environ["READY"])
EAST, WEST = READY["regions"]
CATALOGS = [f"business_unit_{number:03}" for number in range(1, 101)]
known = {"failover_group_id": [], "stable_url_id": []}


def chance(case):
    """The same number for the same call, so that a seed tells all."""
    return zlib.crc32(repr((case.operation.label, case.path_parameters, case.query, case.body)).encode())


def group(number):
    uris = [{"region": r["region"], "uri": r["storage_root"].rstrip("/") + "/*"} for r in (EAST, WEST)]
    return {
        "regions": [EAST["region"], WEST["region"]],
        "initial_primary_region": EAST["region"],
        "workspace_sets": [{"name": "set", "workspace_ids": [EAST["workspace_id"], WEST["workspace_id"]]}],
        "unity_catalog_assets": {
            "catalogs": [{"name": CATALOGS[number % len(CATALOGS)]}],
            "data_replication_workspace_set": "set",
            "location_mappings": [{"name": "storage", "uri_by_region": uris}],
        },
    }


@schemathesis.hook
def before_call(context, case, kwargs):
    meta = case.meta
    # In the stateful phase the document's links say which id comes next.
    stateful = meta is not None and meta.phase.name == "stateful"
    if stateful and isinstance(case.query, dict):
        # What was only checked is not there afterwards, and must not be looked for.
        case.query.pop("validate_only", None)
    if meta is None or not meta.generation.mode.is_positive or not isinstance(case.path_parameters, dict):
        return
    number = chance(case)
    if number % 2:
        return
    if "account_id" in case.path_parameters:
        case.path_parameters["account_id"] = READY["account_id"]
    for name, ids in known.items():
        if name in case.path_parameters and ids and not stateful:
            case.path_parameters[name] = ids[number % len(ids)]
    operation = case.operation.definition.raw.get("operationId")
    region = (EAST, WEST)[number // 2 % 2]
    if operation == "create_failover_group":
        case.body = group(number // 4)
    elif operation == "update_failover_group" and number % 4:
        case.body = group(number // 8)
    elif operation == "failover_failover_group":
        case.body["target_primary_region"] = region["region"]
    elif operation == "create_stable_url":
        case.body = {"initial_workspace_id": region["workspace_id"]}
    # Only what is created exists afterwards.
    creates = operation in ("create_failover_group", "create_stable_url")
    for name in known if creates else ():
        if name in (case.query or {}) and case.query.get("validate_only") is not True:
            known[name].append(case.query[name])
