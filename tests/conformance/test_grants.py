"""Grants: direct and effective, and what they allow."""

import unittest

from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.catalog import PermissionsChange, PolicyInfo, PolicyType, Privilege, SecurableType, VolumeType

from region import RegionCase, call, fresh, workspace


def change(principal, *add, remove=()):
    return PermissionsChange(principal=principal, add=list(add), remove=list(remove))


class Grants(RegionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.catalog = cls.w.catalogs.create(fresh("granted")).name
        cls.w.schemas.create("one", cls.catalog)
        cls.volume = cls.w.volumes.create(cls.catalog, "one", "files", VolumeType.MANAGED).full_name
        made = cls.w.service_principals_v2.create(display_name=fresh("reader"))
        cls.name = made.application_id
        cls.reader = workspace(token=cls.w.token_management.create_obo_token(application_id=cls.name).token_value)

    def grant(self, kind, name, *changes):
        return self.w.grants.update(kind, name, changes=list(changes))

    def test_a_change_is_a_difference(self):
        key = ("catalog", self.catalog)
        self.grant(*key, change("controllers", Privilege.USE_CATALOG, Privilege.SELECT), change("account users", Privilege.BROWSE))
        after = self.grant(*key, change("controllers", Privilege.MODIFY, remove=[Privilege.SELECT]))
        found = {a.principal: set(a.privileges) for a in after.privilege_assignments}
        self.assertEqual(found["controllers"], {Privilege.USE_CATALOG, Privilege.MODIFY})
        only = self.w.grants.get(*key, principal="account users").privilege_assignments
        self.assertEqual([(a.principal, a.privileges) for a in only], [("account users", [Privilege.BROWSE])])
        self.grant(*key, change("controllers", remove=[Privilege.USE_CATALOG, Privilege.MODIFY]))
        self.grant(*key, change("account users", remove=[Privilege.BROWSE]))
        self.assertFalse([a for a in self.w.grants.get(*key).privilege_assignments or [] if a.principal == "controllers"])

    def test_every_level_has_grants_and_hands_them_down(self):
        table = "sales.orders.orders"
        self.grant("table", table, change("controllers", Privilege.SELECT))
        self.grant("schema", "sales.orders", change("controllers", Privilege.MODIFY, Privilege.CREATE_TABLE))
        effective = self.w.grants.get_effective("table", table, principal="controllers").privilege_assignments
        held = {(p.privilege, p.inherited_from_type, p.inherited_from_name) for p in effective[0].privileges}
        self.assertEqual(
            held, {(Privilege.SELECT, None, None), (Privilege.MODIFY, SecurableType.SCHEMA, "sales.orders")}
        )
        for kind, name, privilege in (
            ("metastore", self.w.metastores.summary().metastore_id, Privilege.CREATE_CATALOG),
            ("external_location", "lake", Privilege.READ_FILES),
            ("storage_credential", f"{self.w.external_locations.get('lake').credential_name}", Privilege.READ_FILES),
            ("volume", self.volume, Privilege.READ_VOLUME),
            ("function", "finance.ledger.to_eur", Privilege.EXECUTE),
        ):
            after = self.grant(kind, name, change("plant-engineers", privilege))
            self.assertIn("plant-engineers", [a.principal for a in after.privilege_assignments], kind)
            self.grant(kind, name, change("plant-engineers", remove=[privilege]))
        self.grant("table", table, change("controllers", remove=[Privilege.SELECT]))
        self.grant("schema", "sales.orders", change("controllers", remove=[Privilege.MODIFY, Privilege.CREATE_TABLE]))

    def test_principals_and_privileges_must_fit(self):
        with self.assertRaisesRegex(NotFound, "Could not find principal") as refused:
            self.grant("catalog", self.catalog, change("nobody", Privilege.SELECT))
        self.assertEqual(refused.exception.error_code, "PRINCIPAL_DOES_NOT_EXIST")
        with self.assertRaises(InvalidParameterValue):
            self.grant("volume", self.volume, change("controllers", Privilege.SELECT))
        with self.assertRaises(NotFound):
            self.w.grants.get("table", "sales.orders.nothing")

    def test_what_is_not_granted_is_refused(self):
        with self.assertRaises(PermissionDenied):
            self.reader.catalogs.get(self.catalog)
        self.assertNotIn(self.catalog, [c.name for c in self.reader.catalogs.list()])
        with self.assertRaises(PermissionDenied):
            self.reader.volumes.read(self.volume)
        self.grant("catalog", self.catalog, change(self.name, Privilege.USE_CATALOG, Privilege.USE_SCHEMA))
        self.assertIn(self.catalog, [c.name for c in self.reader.catalogs.list()])
        self.assertEqual([v.full_name for v in self.reader.volumes.list(self.catalog, "one")], [])
        self.grant("volume", self.volume, change(self.name, Privilege.READ_VOLUME))
        self.assertEqual([v.full_name for v in self.reader.volumes.list(self.catalog, "one")], [self.volume])
        self.assertEqual(self.reader.volumes.read(self.volume).full_name, self.volume)
        for forbidden in (
            lambda: self.reader.volumes.update(self.volume, comment="x"),
            lambda: self.reader.volumes.create(self.catalog, "one", "mine", VolumeType.MANAGED),
            lambda: self.reader.catalogs.create(fresh("mine")),
            lambda: self.reader.grants.update("volume", self.volume, changes=[change(self.name, Privilege.WRITE_VOLUME)]),
        ):
            with self.assertRaises(PermissionDenied):
                forbidden()
        self.grant("schema", f"{self.catalog}.one", change(self.name, Privilege.CREATE_VOLUME))
        mine = self.reader.volumes.create(self.catalog, "one", "mine", VolumeType.MANAGED)
        self.assertEqual(mine.owner, self.name)
        self.reader.volumes.update(mine.full_name, comment="my own")
        self.reader.volumes.delete(mine.full_name)
        self.w.volumes.update(self.volume, owner=self.name)
        self.reader.volumes.update(self.volume, comment="x")

    def test_a_table_s_files_are_open_to_those_who_may_select(self):
        table = self.w.tables.get("finance.ledger.entries")
        path, body = "/api/2.0/unity-catalog/temporary-table-credentials", {"table_id": table.table_id, "operation": "READ"}
        token = self.reader.config.token
        self.assertEqual(call("POST", path, body, token=token)[0], 403)
        everything = [Privilege.USE_CATALOG, Privilege.USE_SCHEMA, Privilege.SELECT, Privilege.EXTERNAL_USE_SCHEMA]
        self.grant("catalog", "finance", change(self.name, *everything))
        self.assertEqual(call("POST", path, body, token=token)[0], 200)
        self.assertEqual(call("POST", path, {**body, "operation": "READ_WRITE"}, token=token)[0], 403)
        self.grant("catalog", "finance", change(self.name, remove=everything))
        self.assertEqual(call("POST", path, body, token=token)[0], 403)

    def test_policies_are_on_what_they_name(self):
        name = fresh("policy")
        wanted = PolicyInfo(
            name=name, on_securable_type=SecurableType.CATALOG, on_securable_fullname=self.catalog,
            policy_type=PolicyType.POLICY_TYPE_ROW_FILTER, to_principals=["account users"],
            for_securable_type=SecurableType.TABLE, comment="c",
        )
        made = self.w.policies.create_policy(wanted)
        self.assertEqual((made.name, made.to_principals, made.created_by), (name, ["account users"], "admin@example.com"))
        self.assertEqual(self.w.policies.get_policy("CATALOG", self.catalog, name), made)
        inherited = self.w.policies.list_policies("SCHEMA", f"{self.catalog}.one", include_inherited=True)
        self.assertEqual([p.name for p in inherited], [name])
        self.assertEqual(list(self.w.policies.list_policies("SCHEMA", f"{self.catalog}.one")), [])
        wanted.comment = "d"
        changed = self.w.policies.update_policy("CATALOG", self.catalog, name, wanted, update_mask="comment")
        self.assertEqual(changed.comment, "d")
        self.w.policies.delete_policy("CATALOG", self.catalog, name)
        with self.assertRaises(NotFound):
            self.w.policies.get_policy("CATALOG", self.catalog, name)


if __name__ == "__main__":
    unittest.main()
