"""Workspace assets of a group: each kind is made, changed, renamed and deleted in the primary, and read back in the secondary."""

import base64
import json
import time
import unittest

from databricks.sdk.errors import DatabricksError
from databricks.sdk.service.compute import State as ClusterState
from databricks.sdk.service.dashboards import Dashboard
from databricks.sdk.service.disasterrecovery import WorkspaceSet
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.jobs import (
    CronSchedule,
    JobSettings,
    NotebookTask,
    PauseStatus,
    RunJobTask,
    SqlTask,
    SqlTaskFile,
    Task,
)
from databricks.sdk.service.sql import State as WarehouseState
from databricks.sdk.service.workspace import ImportFormat, Language

from deployment import EAST, PARENT, READY, WEST, catalogs, group, name, raw, text, until, with_token
from region import RegionCase, call, fresh

FAULTS = "/api/2.0/sandbox/faults"


def eventually(read, expected, seconds=60):
    """Waits until `read` gives what is expected; what isn't there yet is None."""
    end = time.monotonic() + seconds
    while True:
        try:
            found = read()
        except DatabricksError:
            found = None
        if found == expected:
            return
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {expected!r}: {found!r}")
        time.sleep(0.1)


class Assets(RegionCase):
    """With ids that are kept."""

    group_id, catalog, keeps_ids = "assets", -1, True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not cls.keeps_ids:
            call("PUT", FAULTS, {"ids_are_its_own": True}, WEST)
        cls.account = with_token()
        ids = [EAST["workspace_id"], WEST["workspace_id"]]
        sets = [WorkspaceSet(name="workspaces", workspace_ids=ids, replicate_workspace_assets=True)]
        asked = group(catalogs()[cls.catalog], workspace_sets=sets)
        cls.account.disaster_recovery.create_failover_group(PARENT, asked, cls.group_id)
        until(cls.account, cls.group_id)

    @classmethod
    def tearDownClass(cls):
        cls.account.disaster_recovery.delete_failover_group(name(cls.group_id))
        until(cls.account, cls.group_id, state=None)
        call("PUT", FAULTS, {}, WEST)

    def pair(self, found, key):
        """Both ids of an asset that both workspaces list, found by its name."""

        def ids():
            sides = [[i for i, n in key(w) if n == found] for w in (self.w, self.secondary)]
            return None if [len(side) for side in sides] != [1, 1] else (sides[0][0], sides[1][0])

        eventually(lambda: ids() is not None, True)
        there, here = ids()
        if self.keeps_ids:
            self.assertEqual(there, here)
        return there, here

    def jobs(self, w):
        return [(j.job_id, j.settings.name) for j in w.jobs.list()]

    def warehouses(self, w):
        return [(x.id, x.name) for x in w.warehouses.list()]

    def clusters(self, w):
        return [(c.cluster_id, c.cluster_name) for c in w.clusters.list()]

    def boards(self, w):
        return [(d.dashboard_id, d.display_name) for d in w.lakeview.list()]

    def content(self, path):
        return lambda: base64.b64decode(self.secondary.workspace.export(path).content)

    def missing(self, path):
        return lambda: [o.path for o in self.secondary.workspace.list("/Shared", recursive=True) if o.path == path]

    def test_folders_notebooks_and_files(self):
        folder = f"/Shared/{fresh('assets')}"
        self.w.workspace.mkdirs(f"{folder}/deep")
        source = b"# Databricks notebook source\nprint(1)\n"
        encoded = base64.b64encode(source).decode()
        notebook, file = f"{folder}/deep/notebook", f"{folder}/settings.json"
        self.w.workspace.import_(notebook, content=encoded, format=ImportFormat.SOURCE, language=Language.PYTHON)
        self.w.workspace.upload(file, b"{}", format=ImportFormat.RAW)
        eventually(self.content(notebook), source)
        eventually(self.content(file), b"{}")
        there, here = (w.workspace.get_status(notebook) for w in (self.w, self.secondary))
        self.assertEqual(here.language, Language.PYTHON)
        if self.keeps_ids:
            self.assertEqual(there.object_id, here.object_id)

        changed = base64.b64encode(source + b"print(2)\n").decode()
        self.w.workspace.import_(
            notebook, content=changed, format=ImportFormat.SOURCE, language=Language.PYTHON, overwrite=True
        )
        eventually(self.content(notebook), source + b"print(2)\n")
        entry = AccessControlRequest(group_name="controllers", permission_level=PermissionLevel.CAN_RUN)
        self.w.permissions.set("notebooks", str(there.object_id), access_control_list=[entry])

        def level():
            found = self.secondary.permissions.get("notebooks", str(here.object_id)).access_control_list
            own = [e.all_permissions[0].permission_level for e in found if e.group_name == "controllers"]
            return own

        eventually(level, [PermissionLevel.CAN_RUN])

        # A rename is another object: the workspace has no call for it.
        moved = f"{folder}/renamed"
        self.w.workspace.import_(moved, content=changed, format=ImportFormat.SOURCE, language=Language.PYTHON)
        self.w.workspace.delete(notebook)
        eventually(self.content(moved), source + b"print(2)\n")
        eventually(self.missing(notebook), [])
        self.w.workspace.delete(folder, recursive=True)
        eventually(self.missing(folder), [])

    def test_jobs_with_what_they_run_on(self):
        warehouse = self.w.warehouses.create(name=fresh("assets"), cluster_size="Small").response
        cluster = self.w.clusters.create(spark_version="17.3.x-scala2.13", cluster_name=fresh("assets")).response
        upstream = self.w.jobs.create(name=fresh("upstream")).job_id
        label = fresh("assets_job")
        schedule = CronSchedule(quartz_cron_expression="0 0 5 * * ?", timezone_id="UTC")
        tasks = [
            Task(task_key="q", sql_task=SqlTask(warehouse_id=warehouse.id, file=SqlTaskFile(path="/Shared/etl/x"))),
            Task(task_key="n", existing_cluster_id=cluster.cluster_id, notebook_task=NotebookTask("/Shared/etl/x")),
            Task(task_key="r", run_job_task=RunJobTask(job_id=upstream)),
        ]
        job = self.w.jobs.create(name=label, schedule=schedule, tasks=tasks).job_id
        _, replica = self.pair(label, self.jobs)
        settings = self.secondary.jobs.get(replica).settings
        self.assertEqual(settings.schedule.pause_status, PauseStatus.PAUSED)
        self.assertEqual(self.w.jobs.get(job).settings.schedule.pause_status, PauseStatus.UNPAUSED)
        by_name = {n: i for i, n in self.warehouses(self.secondary)}
        self.assertEqual(settings.tasks[0].sql_task.warehouse_id, by_name[self.w.warehouses.get(warehouse.id).name])
        by_name = {n: i for i, n in self.clusters(self.secondary)}
        there = self.w.clusters.get(cluster.cluster_id)
        self.assertEqual(settings.tasks[1].existing_cluster_id, by_name[there.cluster_name])
        by_name = {n: i for i, n in self.jobs(self.secondary)}
        self.assertEqual(settings.tasks[2].run_job_task.job_id, by_name[self.w.jobs.get(upstream).settings.name])
        self.w.jobs.reset(job, JobSettings(name=f"{label}_renamed", description="changed", tasks=tasks[:1]))

        def shown():
            found = self.secondary.jobs.get(replica).settings
            return found.name, found.description, len(found.tasks)

        eventually(shown, (f"{label}_renamed", "changed", 1))
        self.w.jobs.delete(job)
        self.w.jobs.delete(upstream)
        eventually(lambda: [i for i, _ in self.jobs(self.secondary) if i == replica], [])
        self.w.clusters.permanent_delete(cluster.cluster_id)
        self.w.warehouses.delete(warehouse.id)

    def test_sql_warehouses(self):
        label = fresh("assets_warehouse")
        made = self.w.warehouses.create(name=label, cluster_size="Small").response
        _, replica = self.pair(label, self.warehouses)
        found = self.secondary.warehouses.get(replica)
        self.assertEqual((found.state, found.cluster_size), (WarehouseState.STOPPED, "Small"))
        self.w.warehouses.edit(made.id, name=f"{label} renamed", cluster_size="Large")
        eventually(
            lambda: (self.secondary.warehouses.get(replica).name, self.secondary.warehouses.get(replica).cluster_size),
            (f"{label} renamed", "Large"),
        )
        self.w.warehouses.delete(made.id)
        eventually(lambda: [i for i, _ in self.warehouses(self.secondary) if i == replica], [])

    def test_clusters(self):
        label = fresh("assets_cluster")
        version = "17.3.x-scala2.13"
        made = self.w.clusters.create(spark_version=version, cluster_name=label, num_workers=1).response
        _, replica = self.pair(label, self.clusters)
        self.assertEqual(self.secondary.clusters.get(replica).state, ClusterState.TERMINATED)
        raw_cluster = call("GET", f"/api/2.1/clusters/get?cluster_id={replica}", region=WEST)[2]
        self.assertTrue(raw_cluster.get("pinned_by_user_name"), raw_cluster)
        eventually(lambda: self.w.clusters.get(made.cluster_id).state, ClusterState.RUNNING)
        self.w.clusters.edit(made.cluster_id, version, cluster_name=f"{label}_renamed", num_workers=3)
        eventually(
            lambda: (self.secondary.clusters.get(replica).cluster_name, self.secondary.clusters.get(replica).num_workers),
            (f"{label}_renamed", 3),
        )
        self.w.clusters.permanent_delete(made.cluster_id)
        eventually(lambda: [i for i, _ in self.clusters(self.secondary) if i == replica], [])

    def test_draft_dashboards(self):
        label = fresh("assets_board")
        pages = json.dumps({"pages": [{"name": "p1"}]})
        made = self.w.lakeview.create(
            Dashboard(display_name=label, parent_path="/Shared", serialized_dashboard=pages)
        )
        _, replica = self.pair(label, self.boards)
        self.assertEqual(self.secondary.lakeview.get(replica).serialized_dashboard, pages)
        change = Dashboard(display_name=f"{label}_renamed", serialized_dashboard='{"pages":[]}')
        self.w.lakeview.update(made.dashboard_id, change)
        eventually(
            lambda: (
                self.secondary.lakeview.get(replica).display_name,
                self.secondary.lakeview.get(replica).serialized_dashboard,
            ),
            (f"{label}_renamed", '{"pages":[]}'),
        )
        self.w.lakeview.trash(made.dashboard_id)
        eventually(lambda: [i for i, _ in self.boards(self.secondary) if i == replica], [])


class AssetsWithIdsOfTheirOwn(Assets):
    """The secondary gives ids of its own: the map between them is what everything goes by."""

    group_id, catalog, keeps_ids = "assets-own-ids", -2, False


class SecondaryOnly(RegionCase):
    """What only the secondary has stays until a person confirms its deletion by name."""

    def test_it_is_deleted_once_it_is_confirmed_and_kept_in_a_folder(self):
        account = with_token()
        own, outside = f"/Shared/{fresh('own')}.txt", f"/Elsewhere/{fresh('outside')}.txt"
        self.secondary.workspace.mkdirs("/Elsewhere")
        for path in (own, outside):
            self.secondary.workspace.upload(path, b"of the secondary", format=ImportFormat.RAW)
        ids = [EAST["workspace_id"], WEST["workspace_id"]]
        sets = [WorkspaceSet(name="workspaces", workspace_ids=ids, replicate_workspace_assets=True)]
        asked = group(catalogs()[-3], workspace_sets=sets)
        account.disaster_recovery.create_failover_group(PARENT, asked, "secondary-only")
        until(account, "secondary-only")
        token = text(READY["token_file"])
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        path = f"/api/disaster-recovery/v1/{name('secondary-only')}/delete-secondary-only-assets"

        def delete(confirm):
            return raw("POST", path, json.dumps({"confirm": confirm}).encode(), headers)

        self.assertEqual(delete("another")[0], 400)
        self.secondary.workspace.get_status(own)
        status, _, answer = delete("secondary-only")
        self.assertEqual(status, 200, answer)
        self.assertIn({"type": "FILE", "name": own}, answer["deleted"])
        with open(f"{answer['folder']}/workspace{own}", "rb") as kept:
            self.assertEqual(kept.read(), b"of the secondary")
        with self.assertRaises(DatabricksError):
            self.secondary.workspace.get_status(own)
        self.secondary.workspace.get_status(outside)
        account.disaster_recovery.delete_failover_group(name("secondary-only"))
        until(account, "secondary-only", state=None)


if __name__ == "__main__":
    unittest.main()
