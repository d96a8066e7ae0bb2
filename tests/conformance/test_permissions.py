"""Permissions of workspace assets, as those who hold them meet them."""

import unittest

from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service.dashboards import Dashboard
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.workspace import ImportFormat

from region import RegionCase, fresh, workspace


class Permissions(RegionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        made = cls.w.service_principals_v2.create(display_name=fresh("service"))
        cls.application = made.application_id
        token = cls.w.token_management.create_obo_token(application_id=cls.application)
        cls.service = workspace(token=token.token_value)

    def may(self, family, asset, level):
        entry = AccessControlRequest(service_principal_name=self.application, permission_level=level)
        return self.w.permissions.update(family, str(asset), access_control_list=[entry])

    def test_a_folder_s_permissions_hold_for_what_is_in_it(self):
        folder = f"/{fresh('private')}"
        path = f"{folder}/a/note"
        self.w.workspace.mkdirs(f"{folder}/a")
        self.w.workspace.upload(path, b"x", format=ImportFormat.RAW)
        with self.assertRaises(PermissionDenied):
            self.service.workspace.download(path)
        folder_id = self.w.workspace.get_status(folder).object_id
        self.may("directories", folder_id, PermissionLevel.CAN_READ)
        with self.service.workspace.download(path) as content:
            self.assertEqual(content.read(), b"x")
        file_id = str(self.w.workspace.get_status(path).object_id)
        found = self.w.permissions.get("files", file_id)
        (mine,) = [e for e in found.access_control_list if e.service_principal_name == self.application]
        (held,) = mine.all_permissions
        self.assertEqual((held.inherited, held.inherited_from_object), (True, [f"/directories/{folder_id}"]))
        with self.assertRaises(PermissionDenied):
            self.service.workspace.upload(path, b"y", format=ImportFormat.RAW, overwrite=True)
        self.may("files", file_id, PermissionLevel.CAN_EDIT)
        self.service.workspace.upload(path, b"y", format=ImportFormat.RAW, overwrite=True)
        with self.assertRaises(PermissionDenied):
            self.service.workspace.delete(path)

    def test_everybody_manages_what_is_shared(self):
        path = f"/Shared/{fresh('shared')}"
        self.service.workspace.upload(path, b"x", format=ImportFormat.RAW)
        self.service.workspace.delete(path)
        shared = self.w.workspace.get_status("/Shared").object_id
        with self.assertRaises(InvalidParameterValue):
            self.may("directories", shared, PermissionLevel.CAN_READ)

    def test_a_level_allows_what_it_says(self):
        job_id = self.w.jobs.create(name=fresh("job")).job_id
        with self.assertRaises(PermissionDenied):
            self.service.jobs.get(job_id)
        self.assertNotIn(job_id, [j.job_id for j in self.service.jobs.list()])
        self.may("jobs", job_id, PermissionLevel.CAN_VIEW)
        self.assertIn(job_id, [j.job_id for j in self.service.jobs.list()])
        with self.assertRaises(PermissionDenied):
            self.service.jobs.delete(job_id)
        self.may("jobs", job_id, PermissionLevel.CAN_MANAGE)
        self.service.jobs.delete(job_id)

        warehouse = self.w.warehouses.create(name=fresh("warehouse")).id
        self.may("warehouses", warehouse, PermissionLevel.CAN_VIEW)
        with self.assertRaises(PermissionDenied):
            self.service.warehouses.stop(warehouse)

        board = self.w.lakeview.create(Dashboard(display_name=fresh("board"), parent_path="/Users")).dashboard_id
        with self.assertRaises(PermissionDenied):
            self.service.lakeview.get(board)
        self.may("dashboards", board, PermissionLevel.CAN_READ)
        self.assertEqual(self.service.lakeview.get(board).dashboard_id, board)
        with self.assertRaises(PermissionDenied):
            self.service.lakeview.publish(board)

    def test_levels_and_principals_must_exist(self):
        job_id = str(self.w.jobs.create(name=fresh("job")).job_id)
        levels = [l.permission_level.value for l in self.w.permissions.get_permission_levels("jobs", job_id).permission_levels]
        self.assertEqual(levels, ["CAN_VIEW", "CAN_MANAGE_RUN", "IS_OWNER", "CAN_MANAGE"])
        wrong = AccessControlRequest(group_name="controllers", permission_level=PermissionLevel.CAN_USE)
        with self.assertRaises(InvalidParameterValue):
            self.w.permissions.update("jobs", job_id, access_control_list=[wrong])
        nobody = AccessControlRequest(user_name="nobody@example.com", permission_level=PermissionLevel.CAN_VIEW)
        with self.assertRaisesRegex(NotFound, r"Principal: UserName\(nobody@example.com\) does not exist"):
            self.w.permissions.update("jobs", job_id, access_control_list=[nobody])
        with self.assertRaises(NotFound):
            self.w.permissions.get("jobs", "17")


if __name__ == "__main__":
    unittest.main()
