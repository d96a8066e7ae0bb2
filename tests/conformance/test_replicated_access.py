"""Grants, owners and tags, written in the primary and read back from the secondary through the official SDK."""

import time
import unittest

from databricks.sdk.service.catalog import (
    CatalogIsolationMode,
    EntityTagAssignment,
    PermissionsChange,
    Privilege,
    VolumeType,
)

from deployment import PARENT, WEST, catalogs, group, name, until, with_client
from region import RegionCase, call, fresh, workspace

# An object has its turn once a minute; an owner is seen at once.
ROUND = 100


def soon(what, wanted, seconds=ROUND):
    """Waits until `what()` gives what is wanted."""
    end = time.monotonic() + seconds
    while (found := what()) != wanted:
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {wanted}: {found}")
        time.sleep(0.5)


class ReplicatedAccess(RegionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.catalog, cls.with_table = cls.w.catalogs.create(fresh("mirrored")).name, catalogs()[-4]
        schema = f"{cls.catalog}.one"
        cls.w.schemas.create("one", cls.catalog)
        cls.w.volumes.create(cls.catalog, "one", "files", VolumeType.MANAGED)
        view = {"catalog_name": cls.catalog, "schema_name": "one", "name": "top", "table_type": "VIEW", "columns": [],
                "view_definition": "SELECT 1"}
        call("POST", "/api/2.1/unity-catalog/tables", view)
        body = {"catalog_name": cls.catalog, "schema_name": "one", "name": "plus", "routine_body": "SQL",
                "routine_definition": "x + 1", "data_type": "INT", "full_data_type": "int"}
        call("POST", "/api/2.1/unity-catalog/functions", {"function_info": body})
        (table,) = [t for s in cls.w.schemas.list(cls.with_table) if s.name not in ("default", "information_schema")
                    for t in cls.w.tables.list(cls.with_table, s.name)][:1]
        cls.table, cls.column = table.full_name, table.columns[0].name
        cls.objects = [
            ("catalog", cls.catalog, Privilege.USE_CATALOG),
            ("schema", schema, Privilege.USE_SCHEMA),
            ("volume", f"{schema}.files", Privilege.READ_VOLUME),
            ("table", f"{schema}.top", Privilege.SELECT),
            ("function", f"{schema}.plus", Privilege.EXECUTE),
            ("table", cls.table, Privilege.SELECT),
        ]
        cls.account = with_client()
        cls.account.disaster_recovery.create_failover_group(PARENT, group(cls.catalog, cls.with_table), "access")
        until(cls.account, "access")

    @classmethod
    def tearDownClass(cls):
        cls.account.disaster_recovery.delete_failover_group(name("access"))
        until(cls.account, "access", state=None)

    def grants(self, client, kind, full_name):
        """What is granted, but for the console's own rights, which each region has its own of."""
        me = self.secondary_name
        found = client.grants.get(kind, full_name).privilege_assignments or []
        return {a.principal: sorted(p.value for p in a.privileges) for a in found if a.principal != me}

    @property
    def secondary_name(self):
        return "resilience-console"

    def give(self, *, add=(), remove=(), principal="controllers"):
        for kind, full_name, privilege in self.objects:
            change = PermissionsChange(
                principal=principal,
                add=[privilege, Privilege.MANAGE] if add else [],
                remove=[privilege] if remove else [],
            )
            self.w.grants.update(kind, full_name, changes=[change])

    def same_grants(self):
        for kind, full_name, _ in self.objects:
            soon(lambda: self.grants(self.secondary, kind, full_name), self.grants(self.w, kind, full_name))

    def test_1_grants_follow_and_a_revoked_one_is_revoked(self):
        self.give(add=True)
        self.same_grants()
        self.assertIn("controllers", self.grants(self.secondary, *self.objects[0][:2]))
        self.give(remove=True)
        self.same_grants()
        self.assertEqual(self.grants(self.secondary, *self.objects[0][:2])["controllers"], ["MANAGE"])

    def test_2_owners_follow(self):
        self.w.catalogs.update(self.catalog, owner="ana.lima@example.com")
        self.w.schemas.update(f"{self.catalog}.one", owner="controllers")
        self.w.volumes.update(f"{self.catalog}.one.files", owner="controllers")
        self.w.functions.update(f"{self.catalog}.one.plus", owner="controllers")
        self.w.tables.update(self.table, owner="ana.lima@example.com")
        soon(lambda: self.secondary.catalogs.get(self.catalog).owner, "ana.lima@example.com")
        soon(lambda: self.secondary.schemas.get(f"{self.catalog}.one").owner, "controllers")
        soon(lambda: self.secondary.volumes.read(f"{self.catalog}.one.files").owner, "controllers")
        soon(lambda: self.secondary.functions.get(f"{self.catalog}.one.plus").owner, "controllers")
        soon(lambda: self.secondary.tables.get(self.table).owner, "ana.lima@example.com")

    def test_3_who_is_not_in_the_secondary_is_left_out(self):
        self.w.schemas.update(f"{self.catalog}.one", owner="noor.aziz@example.com")
        self.w.grants.update("schema", f"{self.catalog}.one", changes=[
            PermissionsChange(principal="field-contractors", add=[Privilege.USE_SCHEMA]),
            PermissionsChange(principal="sales-analysts", add=[Privilege.USE_SCHEMA]),
        ])
        soon(lambda: "sales-analysts" in self.grants(self.secondary, "schema", f"{self.catalog}.one"), True)
        self.assertNotIn("field-contractors", self.grants(self.secondary, "schema", f"{self.catalog}.one"))
        soon(lambda: self.secondary.schemas.get(f"{self.catalog}.one").owner == "controllers", False)

    def test_4_tags_follow_on_objects_and_columns(self):
        entities = [("catalogs", self.catalog), ("schemas", f"{self.catalog}.one"), ("tables", self.table),
                    ("volumes", f"{self.catalog}.one.files"), ("columns", f"{self.table}.{self.column}")]
        tags = self.w.entity_tag_assignments
        for kind, full_name in entities:
            tags.create(EntityTagAssignment(entity_name=full_name, tag_key="mirror", entity_type=kind, tag_value="1"))
        found = lambda kind, full_name: {t.tag_key: t.tag_value for t in self.secondary.entity_tag_assignments.list(kind, full_name)}
        for kind, full_name in entities:
            soon(lambda: found(kind, full_name).get("mirror"), "1")
        for kind, full_name in entities:
            tags.delete(kind, full_name, "mirror")
        for kind, full_name in entities:
            soon(lambda: "mirror" in found(kind, full_name), False)

    def test_5_the_replica_stays_read_only_for_its_workspace(self):
        found = self.secondary.catalogs.get(self.catalog)
        self.assertEqual(found.isolation_mode, CatalogIsolationMode.ISOLATED)
        bound = list(self.secondary.workspace_bindings.get_bindings("catalog", self.catalog))
        self.assertEqual([str(b.workspace_id) for b in bound], [WEST["workspace_id"]])
        self.assertEqual(workspace(WEST).catalogs.get(self.catalog).name, self.catalog)


if __name__ == "__main__":
    unittest.main()
