"""Failover groups through the official SDK: every call, and wrong input of each kind with the SDK's own exceptions."""

import datetime
import unittest

from databricks.sdk.common.types.fieldmask import FieldMask
from databricks.sdk.errors import Aborted, AlreadyExists, InvalidParameterValue, InvalidState, NotFound
from databricks.sdk.service.disasterrecovery import (
    FailoverFailoverGroupRequestFailoverType as FailoverType,
    FailoverGroupState,
    StableUrl,
    UcCatalog,
)

from deployment import (
    EAST,
    PARENT,
    READY,
    WEST,
    catalogs,
    group,
    name,
    raw,
    text,
    until,
    url_name,
    with_client,
    with_token,
)

class Life(unittest.TestCase):
    """One group's whole life, in the order of the methods' names."""

    @classmethod
    def setUpClass(cls):
        cls.account = with_client()
        cls.dr = cls.account.disaster_recovery
        cls.all = catalogs()

    def test_1_it_is_checked_and_then_created(self):
        asked = group(self.all[0])
        checked = self.dr.create_failover_group(PARENT, asked, "life", validate_only=True)
        self.assertEqual(checked.effective_primary_region, EAST["region"])
        with self.assertRaises(NotFound):
            self.dr.get_failover_group(name("life"))
        made = self.dr.create_failover_group(PARENT, asked, "life")
        self.assertEqual(made.name, name("life"))
        self.assertEqual(made.state, FailoverGroupState.CREATING)
        self.assertIsNone(made.initial_primary_region)
        active = until(self.account, "life")
        self.assertIsNotNone(active.replication_point)
        self.assertIsNone(active.initial_replication_progress)
        self.assertLess(active.replication_point.ToDatetime(), datetime.datetime.now(datetime.UTC).replace(tzinfo=None))
        self.assertFalse(active.has_replication_point_blocking_errors)
        with self.assertRaises(AlreadyExists):
            self.dr.create_failover_group(PARENT, asked, "life")

    def test_2_a_list_is_abbreviated(self):
        (entry,) = [g for g in self.dr.list_failover_groups(PARENT) if g.name == name("life")]
        self.assertIsNone(entry.state)
        self.assertIsNone(entry.replication_point)
        self.assertEqual(entry.unity_catalog_assets.catalogs, [UcCatalog(name=self.all[0])])

    def test_3_masks_say_what_changes(self):
        before = self.dr.get_failover_group(name("life"))
        wanted = group(self.all[0], self.all[1], regions=["mars", "venus"])
        wanted.workspace_sets[0].replicate_workspace_assets = True
        mask = FieldMask(["unity_catalog_assets.catalogs"])
        after = self.dr.update_failover_group(name("life"), wanted, mask, etag=before.etag)
        self.assertEqual([c.name for c in after.unity_catalog_assets.catalogs], self.all[:2])
        self.assertEqual(after.regions, before.regions)
        self.assertFalse(after.workspace_sets[0].replicate_workspace_assets)
        self.assertNotEqual(after.etag, before.etag)
        # The new catalog has not arrived, so no point covers it yet.
        self.assertIsNone(after.replication_point)
        self.assertEqual(until(self.account, "life").state, FailoverGroupState.ACTIVE)
        with self.assertRaises(Aborted):
            self.dr.update_failover_group(name("life"), wanted, mask, etag=before.etag)
        for wrong in (["regions"], ["name"], ["initial_primary_region"], ["state"], ["nonsense"], ["unityCatalogAssets"]):
            with self.assertRaises(InvalidParameterValue, msg=wrong):
                self.dr.update_failover_group(name("life"), wanted, FieldMask(wrong))
        wanted.workspace_sets[0].workspace_ids = ["1", "2"]
        with self.assertRaises(InvalidParameterValue):
            self.dr.update_failover_group(name("life"), wanted, FieldMask(["workspace_sets"]))
        with self.assertRaises(InvalidParameterValue):
            self.dr.update_failover_group(name("life"), group("no_such_catalog"), mask)
        with self.assertRaises(NotFound):
            self.dr.update_failover_group(name("nobody"), wanted, mask)

    def test_4_a_stable_url_follows_it_over_and_stays_where_it_led(self):
        east, west = EAST["workspace_id"], WEST["workspace_id"]
        self.dr.create_stable_url(PARENT, StableUrl(initial_workspace_id=west), "shop", validate_only=True)
        with self.assertRaises(NotFound):
            self.dr.get_stable_url(url_name("shop"))
        made = self.dr.create_stable_url(PARENT, StableUrl(initial_workspace_id=west), "shop")
        self.assertEqual((made.name, made.effective_workspace_id), (url_name("shop"), west))
        self.assertIsNone(made.initial_workspace_id)
        self.assertEqual(made.url, f"{READY['gateway_url']}/?w={made.stable_workspace_id}")
        with self.assertRaises(AlreadyExists):
            self.dr.create_stable_url(PARENT, StableUrl(initial_workspace_id=west), "shop")
        with self.assertRaises(InvalidParameterValue):
            self.dr.create_stable_url(PARENT, StableUrl(initial_workspace_id="12345"), "shop2")

        wanted = group(self.all[0])
        wanted.workspace_sets[0].stable_url_names = [url_name("nobody")]
        mask = FieldMask(["workspace_sets.stable_url_names"])
        with self.assertRaises(InvalidParameterValue):
            self.dr.update_failover_group(name("life"), wanted, mask)
        wanted.workspace_sets[0].stable_url_names = [url_name("shop")]
        self.dr.update_failover_group(name("life"), wanted, mask)
        attached = self.dr.get_stable_url(url_name("shop"))
        self.assertEqual((attached.effective_workspace_id, attached.failover_group_name), (east, name("life")))
        with self.assertRaises(InvalidState):
            self.dr.delete_stable_url(url_name("shop"))

        until(self.account, "life")
        with self.assertRaises(InvalidParameterValue):
            self.dr.failover_failover_group(name("life"), "mars", FailoverType.FORCED)
        with self.assertRaises(Aborted):
            self.dr.failover_failover_group(name("life"), WEST["region"], FailoverType.FORCED, etag="stale")
        with self.assertRaises(NotFound):
            self.dr.failover_failover_group(name("nobody"), WEST["region"], FailoverType.FORCED)
        same = self.dr.failover_failover_group(name("life"), EAST["region"], FailoverType.FORCED)
        self.assertEqual(same.state, FailoverGroupState.ACTIVE, "asking for the primary changes nothing")
        etag = self.dr.get_failover_group(name("life")).etag
        begun = self.dr.failover_failover_group(name("life"), WEST["region"], FailoverType.FORCED, etag=etag)
        self.assertEqual(begun.state, FailoverGroupState.FAILING_OVER)
        again = self.dr.failover_failover_group(name("life"), WEST["region"], FailoverType.FORCED)
        self.assertEqual(again.name, begun.name)
        over = until(self.account, "life")
        self.assertEqual(over.effective_primary_region, WEST["region"])
        self.assertEqual(self.dr.get_stable_url(url_name("shop")).effective_workspace_id, west)

        wanted.workspace_sets[0].stable_url_names = None
        self.dr.update_failover_group(name("life"), wanted, mask)
        detached = self.dr.get_stable_url(url_name("shop"))
        self.assertEqual((detached.effective_workspace_id, detached.failover_group_name), (west, None))
        self.assertEqual((detached.url, detached.stable_workspace_id), (made.url, made.stable_workspace_id))
        self.assertIn(url_name("shop"), [u.name for u in self.dr.list_stable_urls(PARENT, page_size=1)])
        self.dr.delete_stable_url(url_name("shop"))
        with self.assertRaises(NotFound):
            self.dr.delete_stable_url(url_name("shop"))

    def test_5_a_planned_failover_is_taken_too(self):
        body = b'{"target_primary_region": "%s", "failover_type": "PLANNED"}' % EAST["region"].encode()
        headers = {"Authorization": "Bearer " + text(READY["token_file"])}
        status, _, answer = raw("POST", f"/api/disaster-recovery/v1/{name('life')}/failover", body, headers)
        self.assertEqual((status, answer["state"]), (200, "FAILING_OVER"))
        self.assertEqual(until(self.account, "life").effective_primary_region, EAST["region"])

    def test_6_it_is_deleted(self):
        with self.assertRaises(Aborted):
            self.dr.delete_failover_group(name("life"), etag="stale")
        self.dr.delete_failover_group(name("life"), etag=self.dr.get_failover_group(name("life")).etag)
        until(self.account, "life", None)
        with self.assertRaises(NotFound):
            self.dr.delete_failover_group(name("life"))


class WrongInput(unittest.TestCase):
    def setUp(self):
        self.dr = with_token().disaster_recovery
        self.free = catalogs()[-1]

    def refuses(self, asked, group_id="wrong"):
        with self.assertRaises(InvalidParameterValue) as caught:
            self.dr.create_failover_group(PARENT, asked, group_id)
        self.assertTrue(str(caught.exception).strip().endswith("."), "a sentence")
        return caught.exception

    def test_each_rule_is_named(self):
        self.refuses(group(self.free, regions=[EAST["region"]]))
        self.refuses(group(self.free, regions=[EAST["region"], "mars"]))
        self.refuses(group(self.free, initial_primary_region="mars"))
        self.refuses(group(self.free, initial_primary_region=None))
        self.refuses(group(self.free, workspace_sets=[]))
        self.refuses(group("no_such_catalog"))
        self.refuses(group(self.free, self.free))
        self.refuses(group())
        self.refuses(group(self.free), "")
        self.refuses(group(self.free), "not a name")
        self.refuses(group(self.free), "x" * 64)
        unknown = group(self.free)
        unknown.workspace_sets[0].workspace_ids = ["1", "2"]
        self.refuses(unknown)
        unmapped = group(self.free)
        unmapped.unity_catalog_assets.location_mappings = None
        refused = self.refuses(unmapped)
        fields = refused.get_error_details().bad_request.field_violations
        self.assertEqual([f.field for f in fields], ["unity_catalog_assets.location_mappings"])

    def test_a_page_size_below_zero_and_a_strange_page_token_are_refused(self):
        for wrong in ({"page_size": -1}, {"page_token": "strange"}):
            with self.assertRaises(InvalidParameterValue):
                list(self.dr.list_failover_groups(PARENT, **wrong))
            with self.assertRaises(InvalidParameterValue):
                list(self.dr.list_stable_urls(PARENT, **wrong))

    def test_another_account_is_not_found(self):
        with self.assertRaises(NotFound):
            list(self.dr.list_failover_groups("accounts/another"))


if __name__ == "__main__":
    unittest.main()
