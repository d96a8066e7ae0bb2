"""External locations and storage credentials, and which workspaces they are bound to."""

import unittest

from databricks.sdk.errors import AlreadyExists, BadRequest, InvalidState, NotFound, PermissionDenied
from databricks.sdk.service.catalog import (
    AwsIamRoleRequest,
    IsolationMode,
    WorkspaceBinding,
    WorkspaceBindingBindingType,
)

from region import EAST, WEST, RegionCase, fresh

ROLE = AwsIamRoleRequest(role_arn="arn:aws:iam::123456789012:role/lake")


class Storage(RegionCase):
    def credential(self):
        return self.w.storage_credentials.create(fresh("credential"), aws_iam_role=ROLE, comment="c")

    def location(self, credential):
        return self.w.external_locations.create(fresh("location"), f"s3://{fresh('bucket')}/lake", credential.name)

    def test_a_credential_is_made_changed_renamed_and_deleted(self):
        made = self.credential()
        self.assertEqual((made.aws_iam_role.role_arn, made.owner), (ROLE.role_arn, "admin@example.com"))
        self.assertTrue(made.aws_iam_role.external_id)
        location = self.location(made)
        self.assertEqual(location.credential_id, made.id)
        renamed = self.w.storage_credentials.update(made.name, new_name=fresh("renamed"), comment="d", owner="controllers")
        self.assertEqual((renamed.id, renamed.comment, renamed.owner), (made.id, "d", "controllers"))
        self.assertEqual(self.w.external_locations.get(location.name).credential_name, renamed.name)
        self.assertIn(renamed.name, [c.name for c in self.w.storage_credentials.list()])
        self.assertIn(renamed.name, [c.name for c in self.w.credentials.list_credentials()])
        with self.assertRaises(InvalidState):
            self.w.storage_credentials.delete(renamed.name)
        self.w.storage_credentials.delete(renamed.name, force=True)
        with self.assertRaises(NotFound):
            self.w.storage_credentials.get(renamed.name)

    def test_a_location_is_made_changed_renamed_and_deleted(self):
        credential = self.credential()
        made = self.location(credential)
        self.assertEqual(self.w.external_locations.get(made.name), made)
        changed = self.w.external_locations.update(
            made.name, new_name=fresh("renamed"), comment="d", read_only=True, url=f"{made.url}2", owner="controllers"
        )
        self.assertEqual((changed.comment, changed.read_only, changed.url), ("d", True, f"{made.url}2"))
        self.assertEqual(changed.owner, "controllers")
        with self.assertRaises(NotFound):
            self.w.external_locations.get(made.name)
        with self.assertRaisesRegex(BadRequest, "overlaps"):
            self.w.external_locations.create(fresh("inner"), f"{changed.url}/in", credential.name)
        with self.assertRaises(NotFound):
            self.w.external_locations.create(fresh("lost"), "s3://elsewhere/x", "no_credential")
        with self.assertRaises(AlreadyExists):
            self.w.external_locations.create(changed.name, "s3://elsewhere/y", credential.name)
        self.w.external_locations.delete(changed.name)
        self.assertNotIn(changed.name, [l.name for l in self.w.external_locations.list()])

    def test_a_location_in_use_is_deleted_by_force_alone(self):
        with self.assertRaisesRegex(InvalidState, "is used by"):
            self.w.external_locations.delete("lake")

    def test_what_is_isolated_is_seen_where_it_is_bound(self):
        here, there = int(EAST["workspace_id"]), int(WEST["workspace_id"])
        made = self.location(self.credential())
        isolated = self.w.external_locations.update(made.name, isolation_mode=IsolationMode.ISOLATION_MODE_ISOLATED)
        self.assertEqual(isolated.isolation_mode, IsolationMode.ISOLATION_MODE_ISOLATED)
        key = ("external_location", made.name)
        self.assertEqual([b.workspace_id for b in self.w.workspace_bindings.get_bindings(*key)], [here])
        self.w.workspace_bindings.update_bindings(
            *key, add=[WorkspaceBinding(workspace_id=there)], remove=[WorkspaceBinding(workspace_id=here)]
        )
        self.assertEqual([b.workspace_id for b in self.w.workspace_bindings.get_bindings(*key)], [there])
        with self.assertRaises(PermissionDenied):
            self.w.external_locations.get(made.name)
        self.assertNotIn(made.name, [l.name for l in self.w.external_locations.list()])
        self.assertIn(made.name, [l.name for l in self.w.external_locations.list(include_unbound=True)])
        read_only = WorkspaceBindingBindingType.BINDING_TYPE_READ_ONLY
        with self.assertRaisesRegex(BadRequest, "Only catalogs"):
            add = [WorkspaceBinding(workspace_id=here, binding_type=read_only)]
            self.w.workspace_bindings.update_bindings(*key, add=add)


if __name__ == "__main__":
    unittest.main()
