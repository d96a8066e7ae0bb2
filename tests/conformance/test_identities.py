"""Users, groups and service principals, and the tokens that these log in with."""

import unittest

from databricks.sdk.errors import NotFound, PermissionDenied, ResourceConflict, Unauthenticated
from databricks.sdk.service.iam import (
    ComplexValue,
    Patch,
    PatchOp,
    PatchSchema,
)

from region import RegionCase, fresh, workspace

SCHEMAS = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]


class Identities(RegionCase):
    def test_a_user_is_made_changed_and_deleted(self):
        name = f"{fresh('user')}@example.com"
        made = self.w.users_v2.create(user_name=name, display_name="U", emails=[ComplexValue(value=name, primary=True)])
        self.assertEqual((made.user_name, made.active), (name, True))
        self.assertEqual([u.id for u in self.w.users_v2.list(filter=f'userName eq "{name.upper()}"')], [made.id])
        self.assertEqual(self.w.workspace.get_status(f"/Users/{name}").object_type.value, "DIRECTORY")
        change = Patch(op=PatchOp.REPLACE, path="displayName", value="V")
        self.w.users_v2.patch(made.id, operations=[change], schemas=SCHEMAS)
        self.w.users_v2.patch(made.id, operations=[Patch(op=PatchOp.REPLACE, value={"active": False})], schemas=SCHEMAS)
        changed = self.w.users_v2.get(made.id)
        self.assertEqual((changed.display_name, changed.active, changed.emails), ("V", False, made.emails))
        with self.assertRaises(ResourceConflict):
            self.w.users_v2.create(user_name=name)
        self.w.users_v2.delete(made.id)
        with self.assertRaises(NotFound):
            self.w.users_v2.get(made.id)

    def test_groups_hold_users_and_groups(self):
        user = self.w.users_v2.create(user_name=f"{fresh('member')}@example.com")
        inner = self.w.groups_v2.create(display_name=fresh("inner"), members=[ComplexValue(value=user.id)])
        outer = self.w.groups_v2.create(display_name=fresh("outer"))
        add = Patch(op=PatchOp.ADD, path="members", value=[{"value": inner.id}])
        self.w.groups_v2.patch(outer.id, operations=[add], schemas=SCHEMAS)
        self.assertEqual([m.value for m in self.w.groups_v2.get(outer.id).members], [inner.id])
        held = {g.display for g in self.w.users_v2.get(user.id).groups}
        self.assertEqual(held, {inner.display_name, outer.display_name})
        remove = Patch(op=PatchOp.REMOVE, path=f'members[value eq "{inner.id}"]')
        self.w.groups_v2.patch(outer.id, operations=[remove], schemas=SCHEMAS)
        self.assertFalse(self.w.groups_v2.get(outer.id).members)
        self.w.users_v2.delete(user.id)
        self.assertFalse(self.w.groups_v2.get(inner.id).members)
        self.w.groups_v2.update(inner.id, display_name=f"{inner.display_name}_renamed")
        self.assertEqual(self.w.groups_v2.get(inner.id).display_name, f"{inner.display_name}_renamed")
        with self.assertRaises(NotFound):
            self.w.groups_v2.create(display_name=fresh("lost"), members=[ComplexValue(value="99")])

    def test_lists_come_in_pages_and_by_filter(self):
        prefix = fresh("paged")
        ids = {self.w.groups_v2.create(display_name=f"{prefix}_{n}").id for n in range(5)}
        found = list(self.w.groups_v2.list(filter=f'displayName sw "{prefix}"', count=2, attributes="id,displayName"))
        self.assertEqual(({g.id for g in found}, len(found)), (ids, 5))
        self.assertFalse(found[0].members)

    def test_the_account_s_people_are_the_same_in_both_regions_but_for_a_few(self):
        def everybody(client):
            users = {u.user_name: u.id for u in client.users_v2.list()}
            groups = {g.display_name: g.id for g in client.groups_v2.list()}
            principals = {p.application_id: p.id for p in client.service_principals_v2.list()}
            return {**users, **groups, **principals}

        east, west = everybody(self.w), everybody(self.secondary)
        self.assertEqual({n: i for n, i in east.items() if n in west}, {n: i for n, i in west.items() if n in east})
        self.assertIn("noor.aziz@example.com", east)
        self.assertNotIn("noor.aziz@example.com", west)
        self.assertNotIn("field-contractors", west)

    def test_a_service_principal_logs_in_with_a_token_made_for_it(self):
        made = self.w.service_principals_v2.create(display_name=fresh("service"))
        token = self.w.token_management.create_obo_token(application_id=made.application_id, comment="c", lifetime_seconds=600)
        client = workspace(token=token.token_value)
        me = client.current_user.me()
        self.assertEqual((me.id, me.user_name), (made.id, made.application_id))
        with self.assertRaises(PermissionDenied):
            client.users_v2.create(user_name="x@example.com")
        self.assertIn(token.token_info.token_id, [t.token_id for t in self.w.token_management.list()])
        self.w.service_principals_v2.patch(
            made.id, operations=[Patch(op=PatchOp.REPLACE, value={"active": False})], schemas=SCHEMAS
        )
        with self.assertRaises(PermissionDenied):
            client.current_user.me()
        self.w.token_management.delete(token.token_info.token_id)
        with self.assertRaises(Unauthenticated):
            client.current_user.me()

    def test_what_belongs_to_the_workspace_stays(self):
        groups = {g.display_name: g.id for g in self.w.groups_v2.list()}
        with self.assertRaisesRegex(Exception, "can't be deleted"):
            self.w.groups_v2.delete(groups["admins"])
        me = self.w.current_user.me()
        self.assertEqual(me.user_name, "admin@example.com")
        self.assertIn("admins", [g.display for g in me.groups])


if __name__ == "__main__":
    unittest.main()
