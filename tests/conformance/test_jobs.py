"""Jobs: their settings, the four places that pause them, and their one owner."""

import unittest

from databricks.sdk.errors import InvalidParameterValue, ResourceDoesNotExist
from databricks.sdk.service.iam import AccessControlRequest, PermissionLevel
from databricks.sdk.service.jobs import (
    Continuous,
    CronSchedule,
    FileArrivalTriggerConfiguration,
    JobAccessControlRequest,
    JobPermissionLevel,
    JobRunAs,
    JobSettings,
    NotebookTask,
    PauseStatus,
    PeriodicTriggerConfiguration,
    PeriodicTriggerConfigurationTimeUnit,
    RunJobTask,
    Task,
    TaskDependency,
    TriggerSettings,
)

from region import RegionCase, call, fresh


def tasks(*keys):
    return [Task(task_key=k, notebook_task=NotebookTask(notebook_path=f"/Shared/etl/{k}")) for k in keys]


class Jobs(RegionCase):
    def job(self, **settings):
        settings.setdefault("name", fresh("job"))
        settings.setdefault("tasks", tasks("first"))
        return self.w.jobs.create(**settings).job_id

    def settings(self, job_id):
        return self.w.jobs.get(job_id).settings

    def test_a_job_is_made_changed_renamed_and_deleted(self):
        name = fresh("life")
        depends = Task(task_key="second", depends_on=[TaskDependency("first")], run_job_task=RunJobTask(job_id=5))
        job_id = self.job(name=name, tasks=[*tasks("first"), depends], tags={"team": "sales"}, description="d")
        made = self.w.jobs.get(job_id)
        self.assertEqual((made.creator_user_name, made.run_as_user_name), ("admin@example.com", "admin@example.com"))
        self.assertEqual(made.settings.name, name)
        self.assertEqual([t.task_key for t in made.settings.tasks], ["first", "second"])
        self.assertEqual(made.settings.tasks[1].run_job_task.job_id, 5)
        self.assertEqual((made.settings.max_concurrent_runs, made.settings.timeout_seconds), (1, 0))
        self.assertEqual([j.job_id for j in self.w.jobs.list(name=name.upper())], [job_id])

        changes = JobSettings(name=f"{name}_renamed", max_concurrent_runs=3, tasks=tasks("third"))
        self.w.jobs.update(job_id, new_settings=changes, fields_to_remove=["tags", "tasks/second"])
        changed = self.settings(job_id)
        self.assertEqual((changed.name, changed.max_concurrent_runs, changed.description), (f"{name}_renamed", 3, "d"))
        self.assertEqual([t.task_key for t in changed.tasks], ["first", "third"])
        self.assertFalse(changed.tags)

        self.w.jobs.reset(job_id, JobSettings(name="whole", tasks=tasks("only")))
        whole = self.settings(job_id)
        self.assertEqual((whole.name, whole.description, whole.max_concurrent_runs), ("whole", None, 1))
        self.w.jobs.delete(job_id)
        with self.assertRaises(ResourceDoesNotExist):
            self.w.jobs.get(job_id)

    def test_it_is_paused_in_all_four_places(self):
        cron = CronSchedule(quartz_cron_expression="0 0 * * * ?", timezone_id="UTC")
        periodic = TriggerSettings(
            periodic=PeriodicTriggerConfiguration(interval=1, unit=PeriodicTriggerConfigurationTimeUnit.HOURS),
        )
        arrival = TriggerSettings(file_arrival=FileArrivalTriggerConfiguration(url="s3://b/p/"))
        for place, value in (("schedule", cron), ("continuous", Continuous()), ("trigger", periodic), ("trigger", arrival)):
            job_id = self.job(**{place: value})
            found = getattr(self.settings(job_id), place)
            self.assertEqual(found.pause_status, PauseStatus.UNPAUSED, place)
            found.pause_status = PauseStatus.PAUSED
            self.w.jobs.update(job_id, new_settings=JobSettings(**{place: found}))
            self.assertEqual(getattr(self.settings(job_id), place), found)
        body = {"name": "several", "triggers": [{"table_update": {"table_names": ["a.b.c"]}}]}
        job_id = call("POST", "/api/2.2/jobs/create", body)[2]["job_id"]
        found = call("GET", f"/api/2.2/jobs/get?job_id={job_id}")[2]["settings"]["triggers"]
        self.assertEqual(found, [{"table_update": {"table_names": ["a.b.c"]}, "pause_status": "UNPAUSED"}])
        with self.assertRaises(InvalidParameterValue):
            self.job(schedule=cron, continuous=Continuous())

    def test_fields_that_are_not_known_are_kept(self):
        body = {"name": "later", "tasks": [{"task_key": "a", "future_task": {"x": [1]}}], "future": {"y": 2}}
        job_id = call("POST", "/api/2.2/jobs/create", body)[2]["job_id"]
        found = call("GET", f"/api/2.2/jobs/get?job_id={job_id}")[2]["settings"]
        self.assertEqual((found["future"], found["tasks"][0]["future_task"]), ({"y": 2}, {"x": [1]}))

    def test_long_arrays_come_in_pages(self):
        keys = [f"t{number:03}" for number in range(250)]
        name = fresh("long")
        job_id = self.job(name=name, tasks=tasks(*keys))
        self.assertEqual([t.task_key for t in self.settings(job_id).tasks], keys)
        status, _, page = call("GET", f"/api/2.2/jobs/get?job_id={job_id}")
        self.assertEqual((len(page["settings"]["tasks"]), page["has_more"]), (100, True))
        (listed,) = self.w.jobs.list(name=name, expand_tasks=True)
        self.assertEqual([t.task_key for t in listed.settings.tasks], keys)

    def test_a_job_has_exactly_one_owner(self):
        job_id = self.job()
        key = ("jobs", str(job_id))
        found = self.w.permissions.get(*key)
        self.assertEqual((found.object_id, found.object_type), (f"/jobs/{job_id}", "job"))
        (owner,) = [e for e in found.access_control_list if e.user_name]
        self.assertEqual((owner.user_name, owner.all_permissions[0].permission_level.value), ("admin@example.com", "IS_OWNER"))
        (admins,) = [e for e in found.access_control_list if e.group_name == "admins"]
        self.assertTrue(admins.all_permissions[0].inherited)

        view = AccessControlRequest(group_name="controllers", permission_level=PermissionLevel.CAN_VIEW)
        ana = AccessControlRequest(user_name="ana.lima@example.com", permission_level=PermissionLevel.IS_OWNER)
        with self.assertRaisesRegex(InvalidParameterValue, "exactly one owner"):
            self.w.permissions.set(*key, access_control_list=[view])
        with self.assertRaisesRegex(InvalidParameterValue, "exactly one owner"):
            self.w.permissions.update(*key, access_control_list=[ana])
        group = AccessControlRequest(group_name="controllers", permission_level=PermissionLevel.IS_OWNER)
        with self.assertRaises(InvalidParameterValue):
            self.w.permissions.set(*key, access_control_list=[group])
        self.w.permissions.set(*key, access_control_list=[ana, view])
        after = {e.user_name or e.group_name: e.all_permissions[0] for e in self.w.permissions.get(*key).access_control_list}
        self.assertEqual(set(after), {"ana.lima@example.com", "controllers", "admins"})
        self.assertFalse(after["controllers"].inherited)

    def test_permissions_may_come_with_the_job(self):
        given = JobAccessControlRequest(user_name="mei.tanaka@example.com", permission_level=JobPermissionLevel.CAN_MANAGE_RUN)
        job_id = self.job(access_control_list=[given])
        found = self.w.jobs.get_permissions(str(job_id)).access_control_list
        levels = {e.user_name: e.all_permissions[0].permission_level.value for e in found if e.user_name}
        self.assertEqual(levels, {"mei.tanaka@example.com": "CAN_MANAGE_RUN", "admin@example.com": "IS_OWNER"})
        self.assertIsNone(self.settings(job_id).as_dict().get("access_control_list"))

    def test_who_runs_it_stays_where_the_settings_stop_saying_so(self):
        job_id = self.job(run_as=JobRunAs(user_name="kofi.mensah@example.com"))
        self.w.jobs.reset(job_id, JobSettings(name="x", tasks=tasks("a")))
        found = self.w.jobs.get(job_id)
        self.assertEqual(found.run_as_user_name, "kofi.mensah@example.com")
        with self.assertRaisesRegex(InvalidParameterValue, "does not exist"):
            self.job(run_as=JobRunAs(user_name="nobody@example.com"))

    def test_wrong_input_is_refused(self):
        for wrong in (
            {"tasks": tasks("same", "same")},
            {"tags": {f"t{n}": "" for n in range(26)}},
            {"name": "x" * 4097},
            {"schedule": CronSchedule(quartz_cron_expression="", timezone_id="UTC")},
        ):
            with self.assertRaises(InvalidParameterValue, msg=wrong):
                self.job(**wrong)
        with self.assertRaises(InvalidParameterValue):
            self.w.jobs.delete(17)

    def test_a_region_that_keeps_ids_takes_the_one_it_is_given(self):
        status, _, made = call("POST", "/api/2.2/jobs/create", {"name": "kept", "job_id": 4711})
        self.assertEqual((status, made["job_id"]), (200, 4711))
        self.assertEqual(self.w.jobs.get(4711).settings.name, "kept")
        self.assertEqual(call("POST", "/api/2.2/jobs/create", {"name": "kept", "job_id": 4711})[0], 400)


if __name__ == "__main__":
    unittest.main()
