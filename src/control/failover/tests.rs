//! Every step of every failover is failed and killed in turn, as the lists of steps have it: a new step is tested by being
//! in a list. The regions are in memory and keep the real ones' rules.

use super::steps::saga_of;
use crate::connect::{InMemoryRegion, RegionApi, TablePlace, WorkspaceRole};
use crate::control::lock::lock;
use crate::control::saga::Moment;
use crate::control::view::OperationOutcome;
use crate::control::{Control, ControlError, ControlSettings, Deployment, Workspace};
use crate::delta::Depth;
use crate::domain::{
    Asker, CatalogName, FailoverGroup, FailoverGroupSpec, FailoverKind, FailoverOrder, FailoverStep, GroupId,
    GroupState, LocationMapping, Region, StepStatus, SystemClock, UnityCatalogAssets, WorkspaceId, WorkspaceSet,
};
use crate::store::Store;
use crate::wire::jobs::{CronSchedule, JobSettings, UNPAUSED};
use crate::wire::unity_catalog as uc;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::sync::Notify;
use url::Url;

const TABLE: &str = "sales.default.orders";

/// What is to go wrong, by the store of the control handle.
static FAULTS: Mutex<BTreeMap<PathBuf, Fault>> = Mutex::new(BTreeMap::new());

/// Fails a step once, or kills it and tells so.
struct Fault {
    step: FailoverStep,
    moment: Moment,
    kills: Option<Arc<Notify>>,
}

/// What a failover's host asks at every moment of every step.
pub async fn interrupt(control: &Control, step: FailoverStep, moment: Moment) -> Result<(), ControlError> {
    let met = {
        let (mut faults, path) = (lock(&FAULTS), control.inner.store.path());
        let is_met = faults.get(path).is_some_and(|fault| fault.step == step && fault.moment == moment);
        is_met.then(|| faults.remove(path)).flatten()
    };
    match met.map(|fault| fault.kills) {
        None => Ok(()),
        Some(None) => Err(ControlError::Refused { sentence: "The test refuses it.".to_owned() }),
        Some(Some(killed)) => {
            killed.notify_one();
            std::future::pending().await
        }
    }
}

/// Two regions, a group over one table, and a control handle that can crash.
struct World {
    control: Control,
    id: GroupId,
    east: Arc<InMemoryRegion>,
    west: Arc<InMemoryRegion>,
    dir: TempDir,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let east = InMemoryRegion::new("east", 1, dir.path());
        let west = InMemoryRegion::new("west", 2, dir.path());
        let catalog = uc::CreateCatalog { name: "sales".to_owned(), ..uc::CreateCatalog::default() };
        east.api().create_catalog(&catalog).await.expect("a catalog");
        let table = uc::CreateTable {
            name: "orders".to_owned(),
            catalog_name: "sales".to_owned(),
            schema_name: "default".to_owned(),
            table_type: uc::TABLE_EXTERNAL.to_owned(),
            data_source_format: Some(uc::FORMAT_DELTA.to_owned()),
            storage_location: Some(format!("{}/orders", east.lake())),
            ..uc::CreateTable::default()
        };
        east.api().create_table(&table).await.expect("a table");
        for region in [&east, &west] {
            let schedule = CronSchedule {
                quartz_cron_expression: "0 0 3 * * ?".to_owned(),
                timezone_id: "UTC".to_owned(),
                pause_status: Some(UNPAUSED.to_owned()),
                ..CronSchedule::default()
            };
            let name = Some("nightly".to_owned());
            region.add_job(JobSettings { name, schedule: Some(schedule), ..JobSettings::default() });
            region.add_cluster("c1");
            region.add_warehouse("w1");
        }
        let control = start(&dir, &east, &west).await;
        let world = Self { control, id: GroupId::new("core").expect("an id"), east, west, dir };
        world.commit().await;
        let group = world.control.create_group("test", world.spec(), false).await.expect("a group");
        assert_eq!(group.effective_primary_region, "east");
        world.until_settled().await;
        world
    }

    fn spec(&self) -> FailoverGroupSpec {
        let uri = |region: &InMemoryRegion| format!("{}/*", region.lake());
        FailoverGroupSpec {
            rules: Default::default(),
            id: self.id.clone(),
            regions: vec![Region::new("east"), Region::new("west")],
            initial_primary_region: Region::new("east"),
            workspace_sets: vec![WorkspaceSet {
                name: "set".to_owned(),
                workspace_ids: ["1", "2"].map(WorkspaceId::new).to_vec(),
                replicate_workspace_assets: false,
                stable_url_names: Vec::new(),
            }],
            unity_catalog_assets: Some(UnityCatalogAssets {
                catalogs: vec![CatalogName::new("sales")],
                data_replication_workspace_set: "set".to_owned(),
                location_mappings: vec![LocationMapping {
                    name: "lake".to_owned(),
                    uri_by_region: [("east", &self.east), ("west", &self.west)]
                        .map(|(name, region)| (Region::new(name), uri(region)))
                        .into(),
                }],
            }),
        }
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("state.db")
    }

    fn region(&self, name: &str) -> &Arc<InMemoryRegion> {
        if name == "east" { &self.east } else { &self.west }
    }

    /// Where the table lies in a region.
    async fn place(&self, region: &str) -> TablePlace {
        let table = self.region(region).api().table(TABLE).await.expect("an answer").expect("the table is there");
        TablePlace::of(&table).expect("it has files")
    }

    /// A commit with one file in the east or wherever the group's primary is.
    async fn commit(&self) {
        let primary =
            self.control.group(&self.id).map_or("east".to_owned(), |g| g.effective_primary_region.to_string());
        let path: PathBuf =
            Url::parse(&self.place(&primary).await.uri).expect("a URI").to_file_path().expect("a folder");
        let log = path.join("_delta_log");
        std::fs::create_dir_all(&log).expect("a folder");
        let version = (0..).find(|version| !log.join(format!("{version:020}.json")).exists()).expect("a version");
        let file = format!("part-{version}.parquet");
        std::fs::write(path.join(&file), file.as_bytes()).expect("a file");
        let now = chrono::Utc::now().timestamp_millis();
        let mut actions = vec![
            json!({"commitInfo": {"timestamp": now, "operation": "WRITE"}}),
            json!({"add": {"path": file, "size": file.len(), "partitionValues": {}, "modificationTime": now,
                "dataChange": true}}),
        ];
        if version == 0 {
            actions.push(json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}));
            actions.push(json!({"metaData": {"id": "00000000-0000-4000-8000-0000000000aa", "format":
                {"provider": "parquet", "options": {}}, "schemaString": "{\"type\":\"struct\",\"fields\":[]}",
                "partitionColumns": [], "configuration": {}, "createdTime": now}}));
        }
        let lines: Vec<String> = actions.iter().map(|action| format!("{action}\n")).collect();
        // In one step, as every writer's commit appears.
        let staged = log.join(".staged");
        std::fs::write(&staged, lines.concat()).expect("a commit");
        std::fs::rename(staged, log.join(format!("{version:020}.json"))).expect("a commit");
    }

    /// Whether a user of the region's workspace may write to the table.
    async fn takes_writes(&self, region: &str) -> bool {
        let place = self.place(region).await;
        self.region(region).as_user().api().grant(&place, true).await.is_ok()
    }

    /// What a failover changes in its old primary, in words that can be compared.
    async fn state_of(&self, region: &str) -> String {
        let api = self.region(region).api();
        let catalog = api.catalog("sales").await.expect("an answer").expect("the catalog is there");
        format!(
            "{:?} {:?} {:?} {:?} {:?} {:?}",
            catalog.isolation_mode,
            api.bindings_of_catalog("sales").await.expect("an answer"),
            api.jobs().await.expect("an answer"),
            api.clusters().await.expect("an answer"),
            api.warehouses().await.expect("an answer"),
            self.region(region).role_in(&self.id),
        )
    }

    /// Waits until the group replicates, nothing runs, and no region is still to be put in order.
    async fn until_settled(&self) -> FailoverGroup {
        let begun = Instant::now();
        let mut changes = self.control.changes();
        loop {
            let handle = self.control.handle(&self.id).expect("the group is there");
            let (group, operation) = (handle.group(), handle.operation());
            let runs = operation.as_ref().is_some_and(|o| o.outcome == OperationOutcome::Running);
            if group.state == GroupState::Active && !runs && handle.unsettled_region().is_none() {
                return group;
            }
            let errors = handle.record().all_errors();
            assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain: {group:#?} {operation:#?} {errors:#?}");
            let _ = tokio::time::timeout(Duration::from_millis(100), changes.changed()).await;
        }
    }

    /// The files of the table's newest version in a region, by a reader's rules.
    async fn live_files(&self, region: &str) -> BTreeSet<String> {
        let path: PathBuf = Url::parse(&self.place(region).await.uri).expect("a URI").to_file_path().expect("a folder");
        let mut live = BTreeSet::new();
        for version in 0.. {
            let Ok(text) = std::fs::read_to_string(path.join(format!("_delta_log/{version:020}.json"))) else { break };
            for line in text.lines() {
                let action: serde_json::Value = serde_json::from_str(line).expect("JSON");
                let path = |kind: &str| action[kind]["path"].as_str().map(str::to_owned);
                live.extend(path("add"));
                path("remove").iter().for_each(|path| _ = live.remove(path));
            }
        }
        live
    }

    /// Waits until everything that is committed now has arrived.
    async fn until_arrived(&self) {
        let (begun, now) = (Instant::now(), chrono::Utc::now());
        while self.control.group(&self.id).expect("there").replication_point.is_none_or(|point| point < now) {
            assert!(begun.elapsed() < Duration::from_secs(60), "it never arrived");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until a failover is provisional.
    async fn until_provisional(&self) {
        let begun = Instant::now();
        let handle = || self.control.handle(&self.id).expect("the group is there");
        while !handle().operation().is_some_and(|operation| operation.is_provisional()) {
            assert!(begun.elapsed() < Duration::from_secs(60), "never provisional: {:#?}", handle().operation());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Fails over provisionally, writes there, and undoes it with one step of the undo failed or killed.
    async fn undone(&mut self, step: FailoverStep, moment: Moment, kill: bool) {
        let case = format!("undo {step:?} {moment:?} kill: {kill}");
        let before = self.control.group(&self.id).expect("there");
        let (old, new) = (before.effective_primary_region.clone(), before.effective_secondary_region().clone());
        self.commit().await;
        let order = FailoverOrder { provisional_minutes: Some(60), ..FailoverOrder::new(&new, FailoverKind::Planned) };
        let by = Asker::named("test");
        self.control.order_failover(&by, &self.id, order, None).await.expect("confirmed");
        self.until_provisional().await;
        let files = self.live_files(old.as_str()).await;
        self.commit().await;
        let refused = self.control.fail_over("test", &self.id, &old, FailoverKind::Planned, None).await;
        assert!(refused.is_err(), "{case}: it is kept or undone first");
        let killed = Arc::new(Notify::new());
        lock(&FAULTS).insert(self.store(), Fault { step, moment, kills: kill.then(|| killed.clone()) });
        self.control.undo_failover(&by, &self.id).await.expect("begun");
        if kill {
            let reached = tokio::time::timeout(Duration::from_secs(60), killed.notified()).await;
            reached.unwrap_or_else(|_| panic!("{case}: never reached"));
            self.crash().await;
        }
        if !kill && saga_of(FailoverKind::Forced, false).can_roll_back(step) {
            self.until_provisional().await;
            assert!(self.takes_writes(new.as_str()).await, "{case}: provisional as before");
            assert_eq!(self.live_files(old.as_str()).await, files, "{case}: the old primary keeps its state");
            self.control.undo_failover(&by, &self.id).await.expect("begun again");
        }
        let after = self.until_settled().await;
        assert!(!lock(&FAULTS).contains_key(&self.store()), "{case}: never reached");
        assert_eq!((after.effective_primary_region.clone(), after.epoch), (old.clone(), before.epoch + 2), "{case}");
        assert_eq!(self.live_files(old.as_str()).await, files, "{case}: as it was");
        assert!(self.takes_writes(old.as_str()).await && !self.takes_writes(new.as_str()).await, "{case}");
        let lines = self.control.handle(&self.id).expect("there").record().salvage.clone();
        let lines: Vec<_> = lines.iter().filter(|line| line.epoch == after.epoch).collect();
        assert_eq!(
            lines.iter().map(|line| line.commits).collect::<Vec<_>>(),
            [1],
            "{case}: what was written: {lines:#?}"
        );
        let report = self.control.verify(&self.id, Depth::Sizes).await.expect("compared");
        assert!(report.objects.iter().all(|object| !object.status.is_difference()), "{case}: {:#?}", report.objects);
    }

    /// Drops everything that runs, as a kill does, and starts on the same store.
    async fn crash(&mut self) {
        self.control.abort().await;
        self.control = start(&self.dir, &self.east, &self.west).await;
    }

    /// Fails over with one step failed or killed, and looks at how it ended.
    async fn interrupted(
        &mut self,
        (kind, back): (FailoverKind, bool),
        step: FailoverStep,
        moment: Moment,
        kill: bool,
    ) {
        let case = format!("{kind:?} as of: {back} {step:?} {moment:?} kill: {kill}");
        let before = self.control.group(&self.id).expect("the group is there");
        let (old, target) =
            (before.effective_primary_region.to_string(), before.effective_secondary_region().to_string());
        let as_of = before.replication_point.filter(|_| back);
        let files = self.live_files(&old).await;
        if back {
            self.commit().await;
            self.until_arrived().await;
        } else if kind == FailoverKind::Planned {
            self.commit().await;
        }
        let state = self.state_of(&old).await;
        let killed = Arc::new(Notify::new());
        let fault = Fault { step, moment, kills: kill.then(|| killed.clone()) };
        lock(&FAULTS).insert(self.store(), fault);
        let order = FailoverOrder { as_of, ..FailoverOrder::new(&Region::new(&target), kind) };
        let by = Asker::named("test");
        self.control.order_failover(&by, &self.id, order, None).await.expect("confirmed");
        if kill {
            let reached = tokio::time::timeout(Duration::from_secs(60), killed.notified()).await;
            reached.unwrap_or_else(|_| panic!("{case}: never reached"));
            self.crash().await;
        }
        let after = self.until_settled().await;
        let operation = self.control.last_operation(&self.id).expect("the group is there").expect("an operation");
        assert!(!lock(&FAULTS).contains_key(&self.store()), "{case}: never reached: {operation:#?}");
        if !kill && saga_of(kind, back).can_roll_back(step) {
            assert_eq!(operation.outcome, OperationOutcome::RolledBack, "{case}");
            assert_eq!((after.effective_primary_region.as_str(), after.epoch), (old.as_str(), before.epoch), "{case}");
            assert_eq!(self.state_of(&old).await, state, "{case}: the old primary is as it was");
            assert!(self.takes_writes(&old).await && !self.takes_writes(&target).await, "{case}");
            return;
        }
        assert_eq!(operation.outcome, OperationOutcome::Succeeded, "{case}: {operation:#?}");
        assert_eq!(after.effective_primary_region, target.as_str(), "{case}");
        assert_eq!(after.epoch, before.epoch + 1, "{case}: one cutover");
        let ended = StepStatus::is_over;
        assert!(operation.steps.iter().all(|step| ended(step.status)), "{case}: {operation:#?}");
        assert!(self.takes_writes(&target).await && !self.takes_writes(&old).await, "{case}");
        let roles = [&target, &old].map(|region| self.region(region).role_in(&self.id));
        assert_eq!(roles, [WorkspaceRole::Primary, WorkspaceRole::Secondary], "{case}");
        let report = self.control.verify(&self.id, Depth::Sizes).await.expect("compared");
        assert!(report.objects.iter().all(|object| !object.status.is_difference()), "{case}: {:#?}", report.objects);
        if back {
            assert_eq!(self.live_files(&target).await, files, "{case}: the table is as it was then");
            let handle = self.control.handle(&self.id).expect("the group is there");
            let lines = handle.record().salvage.clone();
            let line = lines.iter().find(|line| line.epoch == after.epoch && line.after == as_of);
            let line = line.unwrap_or_else(|| panic!("{case}: what was taken back is listed: {lines:#?}"));
            assert_eq!((line.table_name(), line.commits), (TABLE, 1), "{case}");
            assert_eq!(lines.iter().filter(|known| known.epoch == after.epoch).count(), 1, "{case}: once");
        }
        // What ran in the old primary runs in the new one from now on.
        let resumed = self.control.resume_workloads("test", &self.id).await;
        assert!(resumed.is_ok() || kind == FailoverKind::Forced, "{case}: {resumed:?}");
    }
}

async fn start(dir: &TempDir, east: &Arc<InMemoryRegion>, west: &Arc<InMemoryRegion>) -> Control {
    let workspace = |id: &str, region: &str, client: Arc<dyn RegionApi>| Workspace {
        id: WorkspaceId::new(id),
        name: region.to_owned(),
        region: Region::new(region),
        url: format!("memory://{region}"),
        client,
        storage_root: None,
    };
    let deployment = Deployment {
        account_id: "acc".to_owned(),
        workspaces: vec![workspace("1", "east", east.api()), workspace("2", "west", west.api())],
    };
    let settings = ControlSettings {
        busy_pause: Duration::from_millis(5),
        idle_pause: Duration::from_millis(20),
        retry_pause: Duration::from_millis(5),
        region_pause: Duration::from_millis(50),
        quiet_period: Duration::from_millis(10),
        ..ControlSettings::default()
    };
    let store = Store::open(&dir.path().join("state.db")).expect("a store");
    Control::start(deployment, store, Arc::new(SystemClock), settings).await.expect("starts")
}

/// Interrupts every step of the list in turn, on the same two regions.
async fn every_step(kind: FailoverKind, back: bool, moment: Moment, kill: bool) {
    let mut world = World::new().await;
    for step in saga_of(kind, back).steps {
        world.interrupted((kind, back), step.name, moment, kill).await;
    }
    world.control.stop().await;
}

/// Interrupts every step of the undo of a provisional failover in turn.
async fn every_undo(moment: Moment, kill: bool) {
    let mut world = World::new().await;
    for step in saga_of(FailoverKind::Forced, false).steps {
        world.undone(step.name, moment, kill).await;
    }
    world.control.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undo_survives_every_step_that_fails() {
    every_undo(Moment::Begun, false).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undo_survives_a_kill_at_the_beginning_of_every_step() {
    every_undo(Moment::Begun, true).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_undo_survives_a_kill_at_the_end_of_every_step() {
    every_undo(Moment::Acted, true).await;
}

macro_rules! every_step {
    ($($name:ident: $kind:ident $back:literal $moment:ident $kill:literal;)*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                every_step(FailoverKind::$kind, $back, Moment::$moment, $kill).await;
            }
        )*
    };
}

every_step! {
    a_planned_failover_survives_every_step_that_fails_at_its_beginning: Planned false Begun false;
    a_planned_failover_survives_every_step_that_fails_at_its_end: Planned false Acted false;
    a_planned_failover_survives_a_kill_at_the_beginning_of_every_step: Planned false Begun true;
    a_planned_failover_survives_a_kill_at_the_end_of_every_step: Planned false Acted true;
    a_forced_failover_survives_every_step_that_fails_at_its_beginning: Forced false Begun false;
    a_forced_failover_survives_every_step_that_fails_at_its_end: Forced false Acted false;
    a_forced_failover_survives_a_kill_at_the_beginning_of_every_step: Forced false Begun true;
    a_forced_failover_survives_a_kill_at_the_end_of_every_step: Forced false Acted true;
    a_planned_as_of_failover_survives_every_step_that_fails_at_its_beginning: Planned true Begun false;
    a_planned_as_of_failover_survives_every_step_that_fails_at_its_end: Planned true Acted false;
    a_planned_as_of_failover_survives_a_kill_at_the_beginning_of_every_step: Planned true Begun true;
    a_planned_as_of_failover_survives_a_kill_at_the_end_of_every_step: Planned true Acted true;
    a_forced_as_of_failover_survives_every_step_that_fails_at_its_beginning: Forced true Begun false;
    a_forced_as_of_failover_survives_every_step_that_fails_at_its_end: Forced true Acted false;
    a_forced_as_of_failover_survives_a_kill_at_the_beginning_of_every_step: Forced true Begun true;
    a_forced_as_of_failover_survives_a_kill_at_the_end_of_every_step: Forced true Acted true;
}
