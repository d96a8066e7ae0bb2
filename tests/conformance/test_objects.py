"""Folders, notebooks and files."""

import base64
import io
import unittest

from databricks.sdk.errors import BadRequest, InvalidParameterValue, NotFound, PermissionDenied, ResourceAlreadyExists
from databricks.sdk.service.workspace import ExportFormat, ImportFormat, Language, ObjectType

from region import RegionCase, call, fresh


def encoded(content):
    return base64.b64encode(content).decode()


class Objects(RegionCase):
    def setUp(self):
        self.folder = f"/Shared/{fresh('objects')}"
        self.w.workspace.mkdirs(self.folder)

    def test_folders_nest_and_go_with_what_is_in_them(self):
        deep = f"{self.folder}/a/b/c"
        self.w.workspace.mkdirs(deep)
        self.w.workspace.mkdirs(deep)
        found = self.w.workspace.get_status(f"/Workspace{deep}/")
        self.assertEqual((found.object_type, found.path), (ObjectType.DIRECTORY, deep))
        self.w.workspace.upload(f"{self.folder}/a/b0.txt", b"x", format=ImportFormat.RAW)
        listed = [o.path for o in self.w.workspace.list(f"{self.folder}/a")]
        self.assertEqual(listed, [f"{self.folder}/a/b", f"{self.folder}/a/b0.txt"])
        self.assertEqual(list(self.w.workspace.list(deep)), [])
        with self.assertRaisesRegex(BadRequest, "not empty"):
            self.w.workspace.delete(f"{self.folder}/a")
        self.w.workspace.delete(f"{self.folder}/a", recursive=True)
        for gone in (f"{self.folder}/a", deep):
            with self.assertRaises(NotFound):
                self.w.workspace.get_status(gone)
        for kept in ("/", "/Shared", "/Users"):
            with self.assertRaises(PermissionDenied):
                self.w.workspace.delete(kept, recursive=True)

    def test_a_notebook_keeps_its_language_id_and_source(self):
        path = f"{self.folder}/report"
        source = b"-- Databricks notebook source\nSELECT 1\n\n-- COMMAND ----------\n\nSELECT 'b'\n"
        self.w.workspace.import_(path, content=encoded(source), format=ImportFormat.SOURCE, language=Language.SQL)
        made = self.w.workspace.get_status(path)
        self.assertEqual((made.object_type, made.language), (ObjectType.NOTEBOOK, Language.SQL))
        exported = self.w.workspace.export(path, format=ExportFormat.SOURCE)
        self.assertEqual((base64.b64decode(exported.content), exported.file_type), (source, "sql"))
        with self.assertRaises(ResourceAlreadyExists):
            self.w.workspace.import_(path, content=encoded(b"x"), format=ImportFormat.SOURCE, language=Language.SQL)
        self.w.workspace.import_(
            path, content=encoded(b"SELECT 2\n"), format=ImportFormat.SOURCE, language=Language.SQL, overwrite=True
        )
        changed = self.w.workspace.get_status(path)
        self.assertEqual(changed.object_id, made.object_id)
        self.assertGreaterEqual(changed.modified_at, made.modified_at)
        with self.w.workspace.download(path) as content:
            self.assertEqual(content.read(), b"-- Databricks notebook source\nSELECT 2\n")
        self.w.workspace.delete(path)
        with self.assertRaises(NotFound):
            self.w.workspace.export(path)

    def test_name_and_first_line_decide_between_notebook_and_file(self):
        header = b"# Databricks notebook source\nprint(1)\n"
        self.w.workspace.upload(f"{self.folder}/tool.py", io.BytesIO(header), format=ImportFormat.AUTO)
        self.w.workspace.upload(f"{self.folder}/module.py", b"print(2)\n", format=ImportFormat.AUTO)
        self.w.workspace.upload(f"{self.folder}/raw.py", header, format=ImportFormat.RAW)
        found = {o.path.rsplit("/", 1)[1]: o for o in self.w.workspace.list(self.folder, recursive=True)}
        self.assertEqual(
            {n: o.object_type for n, o in found.items()},
            {"tool": ObjectType.NOTEBOOK, "module.py": ObjectType.FILE, "raw.py": ObjectType.FILE},
        )
        self.assertEqual(found["raw.py"].size, len(header))

    def test_any_bytes_come_back_as_they_were(self):
        path, content = f"{self.folder}/日本 & co.bin", bytes(range(256)) * 33 + b"\r\n--"
        self.w.workspace.upload(path, content, format=ImportFormat.RAW)
        with self.w.workspace.download(path, format=ExportFormat.AUTO) as back:
            self.assertEqual(back.read(), content)
        self.w.workspace.upload(path, b"", format=ImportFormat.RAW, overwrite=True)
        self.assertEqual(self.w.workspace.get_status(path).size, 0)

    def test_wrong_input_is_refused_as_the_service_does(self):
        with self.assertRaises(NotFound):
            self.w.workspace.upload(f"{self.folder}/nowhere/x", b"", format=ImportFormat.RAW)
        with self.assertRaises(InvalidParameterValue):
            self.w.workspace.import_(f"{self.folder}/x", content=encoded(b"x"), format=ImportFormat.SOURCE)
        with self.assertRaises(InvalidParameterValue):
            self.w.workspace.mkdirs("relative")
        with self.assertRaises(ResourceAlreadyExists):
            self.w.workspace.upload(self.folder, b"", format=ImportFormat.RAW, overwrite=True)
        with self.assertRaises(BadRequest) as refused:
            self.w.workspace.upload(f"{self.folder}/large", b"x" * 10_485_761, format=ImportFormat.RAW)
        self.assertEqual(refused.exception.error_code, "MAX_NOTEBOOK_SIZE_EXCEEDED")
        self.w.workspace.upload(f"{self.folder}/large", b"x" * 10_485_760, format=ImportFormat.RAW)

    def test_a_region_that_keeps_ids_takes_the_one_it_is_given(self):
        path = f"{self.folder}/with_id"
        body = {"path": path, "format": "SOURCE", "language": "R", "content": encoded(b"x"), "object_id": 8101}
        self.assertEqual(call("POST", "/api/2.0/workspace/import", body)[0], 200)
        self.assertEqual(self.w.workspace.get_status(path).object_id, 8101)
        call("POST", "/api/2.0/workspace/mkdirs", {"path": f"{path}_folder", "object_id": 8102})
        self.assertEqual(self.w.workspace.get_status(f"{path}_folder").object_id, 8102)


if __name__ == "__main__":
    unittest.main()
