"""SQL warehouses and clusters."""

import datetime
import unittest

from databricks.sdk.errors import InvalidParameterValue, InvalidState, NotFound
from databricks.sdk.service.compute import ListClustersFilterBy, State as ClusterState
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.sql import EndpointTagPair, EndpointTags, State

from region import RegionCase, call, fresh

SOON = datetime.timedelta(seconds=20)


class Warehouses(RegionCase):
    def test_a_warehouse_is_made_stopped_edited_renamed_and_deleted(self):
        name = fresh("warehouse")
        tags = EndpointTags(custom_tags=[EndpointTagPair(key="team", value="sales")])
        made = self.w.warehouses.create(name=name, cluster_size="Small", max_num_clusters=2, tags=tags).result(SOON)
        self.assertEqual((made.state, made.num_clusters), (State.RUNNING, 1))
        self.assertEqual((made.name, made.max_num_clusters, made.tags), (name, 2, tags))
        self.assertEqual(made.creator_name, "admin@example.com")
        self.w.warehouses.edit(made.id, name=f"{name} renamed", cluster_size="Large").result(SOON)
        edited = self.w.warehouses.get(made.id)
        self.assertEqual((edited.name, edited.cluster_size, edited.max_num_clusters), (f"{name} renamed", "Large", 2))
        stopped = self.w.warehouses.stop(made.id).result(SOON)
        self.assertEqual((stopped.state, stopped.num_clusters), (State.STOPPED, 0))
        self.assertEqual(self.w.warehouses.start(made.id).result(SOON).state, State.RUNNING)
        self.assertIn(made.id, [w.id for w in self.w.warehouses.list()])
        self.w.warehouses.delete(made.id)
        with self.assertRaises(NotFound):
            self.w.warehouses.get(made.id)

    def test_names_are_taken_once_and_ids_are_kept(self):
        name = fresh("warehouse")
        status, _, made = call("POST", "/api/2.0/sql/warehouses", {"name": name, "id": "00ff00ff00ff00ff"})
        self.assertEqual((status, made["id"]), (200, "00ff00ff00ff00ff"))
        with self.assertRaisesRegex(InvalidParameterValue, "already exists"):
            self.w.warehouses.create(name=name)

    def test_it_has_exactly_one_owner(self):
        made = self.w.warehouses.create(name=fresh("owned"))
        use = AccessControlRequest(group_name="sales-analysts", permission_level=PermissionLevel.CAN_USE)
        with self.assertRaisesRegex(InvalidParameterValue, "exactly one owner"):
            self.w.permissions.set("warehouses", made.id, access_control_list=[use])
        self.w.permissions.update("warehouses", made.id, access_control_list=[use])
        found = self.w.permissions.get("warehouses", made.id)
        self.assertEqual(found.object_id, f"/sql/warehouses/{made.id}")
        levels = {e.user_name or e.group_name: e.all_permissions[0].permission_level.value for e in found.access_control_list}
        self.assertEqual(levels, {"admin@example.com": "IS_OWNER", "sales-analysts": "CAN_USE", "admins": "CAN_MANAGE"})


class Clusters(RegionCase):
    def cluster(self):
        name = fresh("cluster")
        made = self.w.clusters.create(
            cluster_name=name, spark_version="17.3.x-scala2.13", node_type_id="i3.xlarge", num_workers=2,
            spark_conf={"a": "b"}, autotermination_minutes=30,
        )
        return name, made

    def test_a_cluster_is_made_terminated_edited_pinned_and_deleted(self):
        name, made = self.cluster()
        self.assertEqual(self.w.clusters.get(made.cluster_id).state, ClusterState.PENDING)
        running = made.result(SOON)
        self.assertEqual((running.state, running.cluster_name, running.spark_conf), (ClusterState.RUNNING, name, {"a": "b"}))
        with self.assertRaises(InvalidState):
            self.w.clusters.start(made.cluster_id)
        self.assertEqual(self.w.clusters.delete(made.cluster_id).result(SOON).state, ClusterState.TERMINATED)
        self.assertEqual(self.w.clusters.get(made.cluster_id).termination_reason.code.value, "USER_REQUEST")

        self.w.clusters.edit(made.cluster_id, "17.3.x-scala2.13", cluster_name=f"{name}_renamed", num_workers=5,
                             node_type_id="i3.xlarge")
        edited = self.w.clusters.get(made.cluster_id)
        self.assertEqual((edited.cluster_name, edited.num_workers), (f"{name}_renamed", 5))
        self.assertEqual((edited.spark_conf, edited.state), (None, ClusterState.TERMINATED))
        self.assertEqual(edited.creator_user_name, "admin@example.com")

        self.w.clusters.pin(made.cluster_id)
        pinned = ListClustersFilterBy(is_pinned=True)
        self.assertEqual([c.cluster_id for c in self.w.clusters.list(filter_by=pinned)], [made.cluster_id])
        self.w.clusters.unpin(made.cluster_id)
        self.assertEqual(list(self.w.clusters.list(filter_by=pinned)), [])
        self.assertEqual(self.w.clusters.start(made.cluster_id).result(SOON).state, ClusterState.RUNNING)
        self.w.clusters.permanent_delete(made.cluster_id)
        with self.assertRaises(NotFound):
            self.w.clusters.get(made.cluster_id)

    def test_an_edit_waits_until_it_has_started(self):
        _, made = self.cluster()
        with self.assertRaises(InvalidState):
            self.w.clusters.edit(made.cluster_id, "17.3.x-scala2.13", num_workers=1)

    def test_ids_are_kept_and_permissions_have_no_owner(self):
        body = {"cluster_name": "kept", "spark_version": "17.3.x-scala2.13", "cluster_id": "0101-000000-kept0001"}
        self.assertEqual(call("POST", "/api/2.1/clusters/create", body)[2]["cluster_id"], body["cluster_id"])
        self.assertEqual(call("POST", "/api/2.1/clusters/create", body)[0], 400)
        restart = AccessControlRequest(group_name="controllers", permission_level=PermissionLevel.CAN_RESTART)
        found = self.w.permissions.set("clusters", body["cluster_id"], access_control_list=[restart])
        levels = {e.group_name: e.all_permissions[0].permission_level.value for e in found.access_control_list}
        self.assertEqual(levels, {"controllers": "CAN_RESTART", "admins": "CAN_MANAGE"})


if __name__ == "__main__":
    unittest.main()
