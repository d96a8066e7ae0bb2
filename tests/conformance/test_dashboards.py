"""Draft dashboards, and what is published of them."""

import json
import unittest

from databricks.sdk.errors import Aborted, InvalidParameterValue, InvalidState, NotFound, ResourceAlreadyExists
from databricks.sdk.service.dashboards import Dashboard, LifecycleState
from databricks.sdk.service.workspace import ImportFormat, ObjectType

from region import RegionCase, fresh

PAGES = json.dumps({"pages": [{"name": "p1"}]})


class Dashboards(RegionCase):
    def draft(self, **fields):
        wanted = Dashboard(display_name=fresh("board"), parent_path="/Shared", serialized_dashboard=PAGES)
        for field, value in fields.items():
            setattr(wanted, field, value)
        return self.w.lakeview.create(wanted)

    def test_a_draft_is_made_changed_renamed_and_trashed(self):
        made = self.draft(warehouse_id="0123")
        self.assertEqual(made.lifecycle_state, LifecycleState.ACTIVE)
        self.assertEqual(made.path, f"/Shared/{made.display_name}.lvdash.json")
        self.assertEqual(self.w.lakeview.get(made.dashboard_id), made)
        file = self.w.workspace.get_status(made.path)
        self.assertEqual((file.object_type, file.resource_id), (ObjectType.DASHBOARD, made.dashboard_id))

        other = fresh("renamed")
        changed = self.w.lakeview.update(
            made.dashboard_id, Dashboard(display_name=other, serialized_dashboard="{}", etag=made.etag)
        )
        self.assertEqual((changed.path, changed.serialized_dashboard), (f"/Shared/{other}.lvdash.json", "{}"))
        self.assertEqual(changed.warehouse_id, "0123")
        self.assertNotEqual(changed.etag, made.etag)
        self.assertEqual(self.w.workspace.get_status(changed.path).object_id, file.object_id)
        with self.assertRaises(NotFound):
            self.w.workspace.get_status(made.path)
        with self.assertRaises(Aborted):
            self.w.lakeview.update(made.dashboard_id, Dashboard(serialized_dashboard=PAGES, etag=made.etag))

        self.w.lakeview.trash(made.dashboard_id)
        self.assertEqual(self.w.lakeview.get(made.dashboard_id).lifecycle_state, LifecycleState.TRASHED)
        self.assertNotIn(made.dashboard_id, [d.dashboard_id for d in self.w.lakeview.list()])
        self.assertIn(made.dashboard_id, [d.dashboard_id for d in self.w.lakeview.list(show_trashed=True)])
        with self.assertRaises(NotFound):
            self.w.workspace.get_status(changed.path)
        with self.assertRaises(InvalidState):
            self.w.lakeview.update(made.dashboard_id, Dashboard(display_name="x"))

    def test_a_list_leaves_out_the_definition(self):
        made = self.draft()
        entry = next(d for d in self.w.lakeview.list(page_size=1) if d.dashboard_id == made.dashboard_id)
        self.assertEqual(entry.display_name, made.display_name)
        self.assertEqual((entry.serialized_dashboard, entry.path, entry.etag), (None, None, None))

    def test_publishing_is_a_call_of_its_own(self):
        made = self.draft(warehouse_id="draft")
        with self.assertRaises(NotFound):
            self.w.lakeview.get_published(made.dashboard_id)
        self.w.lakeview.publish(made.dashboard_id, embed_credentials=True, warehouse_id="served")
        published = self.w.lakeview.get_published(made.dashboard_id)
        self.assertEqual((published.warehouse_id, published.embed_credentials), ("served", True))
        self.assertEqual(published.display_name, made.display_name)
        self.w.lakeview.unpublish(made.dashboard_id)
        with self.assertRaises(NotFound):
            self.w.lakeview.get_published(made.dashboard_id)

    def test_a_file_of_a_dashboard_is_imported_as_one(self):
        path = f"/Shared/{fresh('imported')}.lvdash.json"
        self.w.workspace.upload(path, PAGES.encode(), format=ImportFormat.AUTO)
        file = self.w.workspace.get_status(path)
        self.assertEqual(self.w.lakeview.get(file.resource_id).serialized_dashboard, PAGES)
        with self.w.workspace.download(path) as content:
            self.assertEqual(content.read().decode(), PAGES)

    def test_wrong_input_is_refused(self):
        made = self.draft()
        with self.assertRaises(ResourceAlreadyExists):
            self.draft(display_name=made.display_name)
        with self.assertRaises(InvalidParameterValue):
            self.draft(serialized_dashboard="no JSON")
        with self.assertRaises(NotFound):
            self.draft(parent_path="/Shared/nowhere")
        with self.assertRaises(NotFound):
            self.w.lakeview.get("nobody")

    def test_a_region_that_keeps_ids_takes_the_one_it_is_given(self):
        wanted = "0f" * 16
        self.assertEqual(self.draft(dashboard_id=wanted).dashboard_id, wanted)
        with self.assertRaises(InvalidParameterValue):
            self.draft(dashboard_id=wanted)


if __name__ == "__main__":
    unittest.main()
