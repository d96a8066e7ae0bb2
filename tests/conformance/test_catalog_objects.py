"""Catalogs, schemas, volumes, functions, registered models, and tags."""

import unittest

from databricks.sdk.errors import AlreadyExists, BadRequest, InvalidParameterValue, NotFound
from databricks.sdk.service.catalog import (
    ColumnTypeName,
    CreateFunction,
    CreateFunctionParameterStyle,
    CreateFunctionRoutineBody,
    CreateFunctionSecurityType,
    CreateFunctionSqlDataAccess,
    EntityTagAssignment,
    FunctionParameterInfo,
    FunctionParameterInfos,
    FunctionParameterType,
    VolumeType,
)

from region import EAST, RegionCase, call, fresh

UC = "/api/2.1/unity-catalog"


def function(schema, name, **fields):
    number = FunctionParameterInfo(
        name="x", type_text="int", type_name=ColumnTypeName.INT, position=0, parameter_type=FunctionParameterType.PARAM
    )
    wanted = dict(
        name=name,
        catalog_name=schema.catalog_name,
        schema_name=schema.name,
        input_params=FunctionParameterInfos(parameters=[number]),
        data_type=ColumnTypeName.INT,
        full_data_type="INT",
        routine_body=CreateFunctionRoutineBody.SQL,
        routine_definition="x + 1",
        parameter_style=CreateFunctionParameterStyle.S,
        is_deterministic=True,
        sql_data_access=CreateFunctionSqlDataAccess.CONTAINS_SQL,
        is_null_call=False,
        security_type=CreateFunctionSecurityType.DEFINER,
        specific_name=name,
        comment="adds one",
    )
    return CreateFunction(**{**wanted, **fields})


class CatalogObjects(RegionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.catalog = cls.w.catalogs.create(fresh("objects")).name
        cls.schema = cls.w.schemas.create("one", cls.catalog)

    def test_catalogs_and_schemas_are_renamed_with_what_is_in_them(self):
        made = self.w.catalogs.create(fresh("catalog"), comment="c", properties={"a": "1"})
        schema = self.w.schemas.create("before", made.name, comment="s", properties={"b": "2"})
        volume = self.w.volumes.create(made.name, "before", "v", VolumeType.MANAGED)
        tag = EntityTagAssignment(entity_type="volumes", entity_name=volume.full_name, tag_key="pii", tag_value="no")
        self.w.entity_tag_assignments.create(tag)
        self.w.schemas.update(schema.full_name, new_name="after", owner="controllers")
        name = f"{made.name}_renamed"
        renamed = self.w.catalogs.update(made.name, new_name=name, comment="d", owner="ana.lima@example.com")
        self.assertEqual((renamed.name, renamed.comment, renamed.owner), (name, "d", "ana.lima@example.com"))
        self.assertEqual(renamed.properties, {"a": "1"})
        after = self.w.schemas.get(f"{name}.after")
        self.assertEqual((after.catalog_name, after.owner, after.schema_id), (name, "controllers", schema.schema_id))
        moved = self.w.volumes.read(f"{name}.after.v")
        self.assertEqual((moved.volume_id, moved.storage_location), (volume.volume_id, volume.storage_location))
        self.assertEqual([t.tag_key for t in self.w.entity_tag_assignments.list("volumes", f"{name}.after.v")], ["pii"])
        for gone in (self.w.catalogs.get, lambda n: self.w.schemas.get(f"{n}.after")):
            with self.assertRaises(NotFound):
                gone(made.name)
        with self.assertRaisesRegex(BadRequest, "not empty"):
            self.w.catalogs.delete(name)
        self.w.catalogs.delete(name, force=True)
        with self.assertRaises(NotFound):
            self.w.volumes.read(f"{name}.after.v")

    def test_a_volume_is_made_changed_renamed_and_deleted(self):
        name = fresh("volume")
        made = self.w.volumes.create(self.catalog, "one", name, VolumeType.MANAGED, comment="c")
        self.assertEqual((made.full_name, made.volume_type), (f"{self.catalog}.one.{name}", VolumeType.MANAGED))
        self.assertTrue(made.storage_location.startswith("file://"))
        self.assertEqual(self.w.volumes.read(made.full_name), made)
        changed = self.w.volumes.update(made.full_name, new_name=f"{name}_renamed", comment="d", owner="controllers")
        self.assertEqual((changed.name, changed.comment, changed.owner), (f"{name}_renamed", "d", "controllers"))
        self.assertEqual((changed.volume_id, changed.storage_location), (made.volume_id, made.storage_location))
        self.assertIn(changed.full_name, [v.full_name for v in self.w.volumes.list(self.catalog, "one")])
        with self.assertRaises(NotFound):
            self.w.volumes.read(made.full_name)
        self.w.volumes.delete(changed.full_name)
        with self.assertRaises(NotFound):
            self.w.volumes.read(changed.full_name)

    def test_an_external_volume_lies_in_an_external_location_and_alone(self):
        root = f"{EAST['storage_root'].rstrip('/')}/landing/{fresh('files')}"
        made = self.w.volumes.create(self.catalog, "one", fresh("outside"), VolumeType.EXTERNAL, storage_location=root)
        self.assertEqual(made.storage_location, root)
        with self.assertRaisesRegex(BadRequest, "overlaps"):
            self.w.volumes.create(self.catalog, "one", fresh("in"), VolumeType.EXTERNAL, storage_location=f"{root}/in")
        with self.assertRaisesRegex(Exception, "No external location"):
            self.w.volumes.create(self.catalog, "one", fresh("s3"), VolumeType.EXTERNAL, storage_location="s3://no/x")
        with self.assertRaises(AlreadyExists):
            self.w.volumes.create(self.catalog, "one", made.name, VolumeType.MANAGED)

    def test_a_function_is_made_given_away_and_dropped(self):
        name = fresh("plus")
        made = self.w.functions.create(function(self.schema, name))
        self.assertEqual((made.full_name, made.routine_definition), (f"{self.catalog}.one.{name}", "x + 1"))
        self.assertEqual(made.input_params.parameters[0].type_text, "int")
        self.assertEqual(self.w.functions.get(made.full_name), made)
        self.assertEqual(self.w.functions.update(made.full_name, owner="controllers").owner, "controllers")
        self.assertIn(made.full_name, [f.full_name for f in self.w.functions.list(self.catalog, "one")])
        with self.assertRaises(AlreadyExists):
            self.w.functions.create(function(self.schema, name))
        with self.assertRaises(InvalidParameterValue):
            self.w.functions.create(function(self.schema, fresh("empty"), routine_definition=None))
        self.w.functions.delete(made.full_name)
        with self.assertRaises(NotFound):
            self.w.functions.get(made.full_name)

    def test_a_registered_model_is_there(self):
        name = fresh("model")
        made = self.w.registered_models.create(catalog_name=self.catalog, schema_name="one", name=name, comment="c")
        self.assertEqual(made.full_name, f"{self.catalog}.one.{name}")
        renamed = self.w.registered_models.update(made.full_name, new_name=f"{name}_renamed", comment="d")
        self.assertEqual((renamed.full_name, renamed.comment), (f"{self.catalog}.one.{name}_renamed", "d"))
        found = self.w.registered_models.list(catalog_name=self.catalog, schema_name="one")
        self.assertIn(f"{name}_renamed", [m.name for m in found])
        self.w.registered_models.delete(renamed.full_name)
        with self.assertRaises(NotFound):
            self.w.registered_models.get(renamed.full_name)

    def test_tags_are_assigned_to_each_kind(self):
        volume = self.w.volumes.create(self.catalog, "one", fresh("tagged"), VolumeType.MANAGED).full_name
        tags = self.w.entity_tag_assignments
        for entity_type, entity_name in (
            ("catalogs", self.catalog),
            ("schemas", f"{self.catalog}.one"),
            ("tables", "sales.orders.orders"),
            ("columns", "sales.orders.orders.amount"),
            ("volumes", volume),
        ):
            key = fresh("tag")
            made = tags.create(EntityTagAssignment(entity_type=entity_type, entity_name=entity_name, tag_key=key, tag_value="1"))
            self.assertEqual((made.tag_value, made.updated_by), ("1", "admin@example.com"), entity_type)
            self.assertEqual(tags.get(entity_type, entity_name, key), made)
            self.assertIn(key, [t.tag_key for t in tags.list(entity_type, entity_name)])
            with self.assertRaises(AlreadyExists):
                tags.create(EntityTagAssignment(entity_type=entity_type, entity_name=entity_name, tag_key=key))
            change = EntityTagAssignment(entity_type=entity_type, entity_name=entity_name, tag_key=key, tag_value="2")
            self.assertEqual(tags.update(entity_type, entity_name, key, change, "tag_value").tag_value, "2")
            tags.delete(entity_type, entity_name, key)
            with self.assertRaises(NotFound):
                tags.get(entity_type, entity_name, key)
        with self.assertRaises(NotFound):
            tags.create(EntityTagAssignment(entity_type="columns", entity_name="sales.orders.orders.no", tag_key="k"))
        with self.assertRaises(InvalidParameterValue):
            tags.create(EntityTagAssignment(entity_type="tables", entity_name="sales.orders.orders", tag_key="a=b"))

    def test_filters_and_masks_are_seen_on_the_table(self):
        filtered = self.w.tables.get("cannot_replicate.mixed.payroll")
        self.assertEqual(filtered.row_filter.input_column_names, ["country"])
        masked = {c.name: c.mask for c in self.w.tables.get("cannot_replicate.mixed.staff").columns}
        self.assertIsNotNone(masked["salary"].function_name)
        self.assertIsNone(masked["name"])
        self.assertTrue(self.w.tables.exists("sales.orders.orders").table_exists)
        self.assertFalse(self.w.tables.exists("sales.orders.nothing").table_exists)

    def test_a_region_that_keeps_ids_takes_those_it_is_given(self):
        wanted = "11111111-2222-3333-4444-55555555555"
        body = {"catalog_name": self.catalog, "schema_name": "one", "volume_type": "MANAGED", "name": fresh("kept")}
        self.assertEqual(call("POST", f"{UC}/volumes", {**body, "volume_id": f"{wanted}0"})[2]["volume_id"], f"{wanted}0")
        info = {**function(self.schema, fresh("kept")).as_dict(), "function_id": f"{wanted}1"}
        self.assertEqual(call("POST", f"{UC}/functions", {"function_info": info})[2]["function_id"], f"{wanted}1")


if __name__ == "__main__":
    unittest.main()
