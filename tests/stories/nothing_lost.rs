//! Random histories: whatever is flagged, down, failed over and back, every commit that a primary acknowledged is in its
//! live table, or listed as left behind or salvaged, and a planned failover adds nothing to those lists unasked.
//!
//! `HISTORIES=N` runs N of them, `HISTORY=SEED` one again.

use super::left_behind::{absolute, admin, append, commit_file, contents, core, make_table, put, view};
use super::support::{catalogs, engine, spec, until};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use resilience::control::view::OperationOutcome;
use resilience::domain::Region;
use resilience::domain::left_behind::names_it;
use resilience::domain::{FailoverKind, GroupState};
use resilience::replicate::shortfalls;
use resilience::runtime::Engine;
use resilience::wire::unity_catalog as uc;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

const EAST: &str = "us-east-1";
const WEST: &str = "us-west-2";
const TABLES: usize = 3;

/// One thing that happens.
#[derive(Debug, Clone)]
enum Op {
    /// A writer appends a row.
    Append(usize),
    /// A commit names a file outside the table.
    Absolute(usize),
    /// A commit is missing between two.
    Gap(usize),
    /// A commit names a data file that was never uploaded.
    MissingFile(usize),
    /// A commit is cut short.
    Torn(usize),
    /// Its writer mends what is wrong with a table.
    Mend(usize),
    /// Replication gets the time to see what happened.
    Settle,
    /// A planned failover: what it would leave behind is accepted or not, from the first object on.
    Planned(usize),
    /// A forced failover, the primary dead or alive.
    Forced(bool),
}

fn history() -> impl Strategy<Value = Vec<Op>> {
    let table = 0..TABLES;
    let op = prop_oneof![
        4 => table.clone().prop_map(Op::Append),
        1 => table.clone().prop_map(Op::Absolute),
        1 => table.clone().prop_map(Op::Gap),
        1 => table.clone().prop_map(Op::MissingFile),
        1 => table.clone().prop_map(Op::Torn),
        2 => table.prop_map(Op::Mend),
        2 => Just(Op::Settle),
        3 => (0..TABLES + 1).prop_map(Op::Planned),
        1 => any::<bool>().prop_map(Op::Forced),
    ];
    prop::collection::vec(op, 8..14)
}

/// A commit that a primary acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Acked {
    table: String,
    version: i64,
    bytes: Vec<u8>,
}

struct World {
    engine: Engine,
    tables: Vec<String>,
    acked: BTreeSet<Acked>,
    /// What mends a table: a file's path and bytes.
    wrong: BTreeMap<PathBuf, Option<Vec<u8>>>,
}

fn newest(folder: &Path) -> i64 {
    let names = std::fs::read_dir(folder.join("_delta_log")).into_iter().flatten().flatten();
    let version = |name: String| name.strip_suffix(".json")?.parse().ok();
    names.filter_map(|entry| version(entry.file_name().to_string_lossy().into_owned())).max().unwrap_or(-1)
}

impl World {
    async fn new(dir: &Path) -> Self {
        let engine = engine(dir, 0.0).await;
        let catalog = catalogs(&engine).await.swap_remove(0);
        let east = admin(&engine, EAST);
        let schema = uc::CreateSchema { name: "s".into(), catalog_name: catalog.clone(), ..Default::default() };
        east.create_schema(&schema).await.expect("made");
        let tables: Vec<String> = (0..TABLES).map(|n| format!("{catalog}.s.t{n}")).collect();
        let mut world = Self { engine, tables, acked: BTreeSet::new(), wrong: BTreeMap::new() };
        for table in world.tables.clone() {
            let folder = make_table(&east, &table, 2).await;
            (0..2).for_each(|version| world.ack(&table, &folder, version));
        }
        world
            .engine
            .control()
            .create_group("tester", spec(&world.engine, "core", &[&catalog]), false)
            .await
            .expect("made");
        until(&world.engine, "core", |g| g.state == GroupState::Active).await;
        world
    }

    fn ack(&mut self, table: &str, folder: &Path, version: i64) {
        let bytes = std::fs::read(commit_file(folder, version)).expect("written");
        self.acked.insert(Acked { table: table.to_owned(), version, bytes });
    }

    fn primary(&self) -> String {
        view(&self.engine).group.effective_primary_region.to_string()
    }

    /// Where the primary has the table.
    async fn folder(&self, table: &str) -> Option<PathBuf> {
        let info = admin(&self.engine, &self.primary()).table(table).await.expect("asked")?;
        url::Url::parse(&info.storage_location?).ok()?.to_file_path().ok()
    }

    async fn happens(&mut self, op: &Op) {
        match op {
            Op::Append(n) | Op::Absolute(n) | Op::Gap(n) | Op::MissingFile(n) | Op::Torn(n) => {
                let table = self.tables[*n].clone();
                let Some(folder) = self.folder(&table).await else { return };
                // What is torn takes no more commits until its writer has mended it.
                if self.wrong.keys().any(|path| path.starts_with(&folder)) {
                    return;
                }
                self.write(op, &table, &folder);
            }
            Op::Mend(n) => {
                let Some(folder) = self.folder(&self.tables[*n].clone()).await else { return };
                let of: Vec<PathBuf> = self.wrong.keys().filter(|path| path.starts_with(&folder)).cloned().collect();
                for path in of {
                    if let Some(Some(bytes)) = self.wrong.remove(&path) {
                        std::fs::write(path, bytes).expect("written");
                    }
                }
            }
            Op::Settle => tokio::time::sleep(std::time::Duration::from_millis(900)).await,
            Op::Planned(accepts) => self.planned(*accepts).await,
            Op::Forced(dead) => self.forced(*dead).await,
        }
    }

    fn write(&mut self, op: &Op, table: &str, folder: &Path) {
        let version = newest(folder) + 1;
        let at = commit_file(folder, version);
        match op {
            Op::Absolute(_) => absolute(folder, version),
            Op::Gap(_) => {
                append(folder, version + 1);
                self.wrong.insert(at, Some(b"{\"txn\":{\"appId\":\"late\",\"version\":1}}\n".to_vec()));
                return self.ack(table, folder, version + 1);
            }
            _ => append(folder, version),
        }
        self.ack(table, folder, version);
        match op {
            Op::MissingFile(_) => {
                let file = folder.join(format!("part-{version}.parquet"));
                let bytes = std::fs::read(&file).expect("there");
                std::fs::remove_file(&file).expect("gone");
                self.wrong.insert(file, Some(bytes));
            }
            Op::Torn(_) => {
                let whole = std::fs::read(&at).expect("there");
                put(folder, version, "{\"add\":{\"path\":\"part");
                // Cut short, it was never acknowledged; mended, it is another commit's business.
                self.acked.retain(|acked| !(acked.table == table && acked.version == version && acked.bytes == whole));
                self.wrong.insert(at, Some(whole));
            }
            Op::Absolute(_) => drop(self.wrong.insert(at, None)),
            _ => {}
        }
    }

    async fn planned(&mut self, accepts: usize) {
        let (from, before) = (self.primary(), view(&self.engine));
        let to = if from == EAST { WEST } else { EAST };
        let accepted: Vec<String> =
            shortfalls(&before.objects).into_iter().take(accepts).map(|lost| lost.object).collect();
        let control = self.engine.control();
        let answer = control
            .fail_over_accepting("tester", &core(), &Region::new(to), FailoverKind::Planned, None, &accepted)
            .await;
        if answer.is_ok() {
            self.settled().await;
        }
        let after = view(&self.engine);
        let moved = after.group.effective_primary_region == to;
        let new = after.left_behind.iter().filter(|left| !before.left_behind.contains(left) && moved);
        for left in new {
            assert!(names_it(&accepted, &left.lost.object), "{} was left unasked: {accepted:?}", left.lost.object);
        }
        for salvaged in after.salvage.iter().filter(|s| s.epoch > before.group.epoch) {
            assert!(names_it(&accepted, &salvaged.table), "{} was salvaged unasked: {accepted:?}", salvaged.table);
        }
        if !moved {
            assert_eq!(after.left_behind, before.left_behind, "what is rolled back leaves nothing behind");
        } else {
            self.forget_wrong();
        }
    }

    async fn forced(&mut self, dead: bool) {
        let from = self.primary();
        let to = if from == EAST { WEST } else { EAST };
        if dead {
            self.engine.sandbox().expect("a sandbox").take_down(&from).await.expect("down");
        }
        let control = self.engine.control();
        let answer = control.fail_over("tester", &core(), &Region::new(to), FailoverKind::Forced, None).await;
        if answer.is_ok() {
            until(&self.engine, "core", |g| g.state != GroupState::FailingOver).await;
        }
        if dead {
            self.engine.sandbox().expect("a sandbox").bring_up(&from).await.expect("up");
        }
        self.settled().await;
        if self.primary() == to {
            self.forget_wrong();
        }
    }

    /// What was wrong lies in the old primary now, which is read-only.
    fn forget_wrong(&mut self) {
        self.wrong.clear();
    }

    async fn settled(&self) {
        until(&self.engine, "core", |g| g.state == GroupState::Active && !g.salvage_pending).await;
        let operation = self.engine.control().last_operation(&core()).expect("known");
        assert!(operation.is_none_or(|o| o.outcome != OperationOutcome::Failed), "a failover ends or is undone");
    }

    /// Every commit is live, or where a list says.
    async fn nothing_is_lost(&self) {
        let view = view(&self.engine);
        let mut listed: BTreeMap<String, Vec<BTreeMap<String, Vec<u8>>>> = BTreeMap::new();
        let path =
            |place: &str| url::Url::parse(place).ok().and_then(|u| u.to_file_path().ok()).unwrap_or(place.into());
        for left in view.left_behind.iter() {
            let place = path(left.place().expect("a place"));
            listed.entry(left.lost.object.clone()).or_default().push(contents(&place));
        }
        for salvaged in view.salvage.iter() {
            listed.entry(salvaged.table.clone()).or_default().push(contents(&path(&salvaged.folder)));
        }
        for acked in &self.acked {
            let name = format!("_delta_log/{:020}.json", acked.version);
            let live = match self.folder(&acked.table).await {
                Some(folder) => std::fs::read(folder.join(&name)).is_ok_and(|bytes| bytes == acked.bytes),
                None => false,
            };
            let kept = listed.get(&acked.table).into_iter().flatten();
            let is_kept = kept.clone().any(|files| files.get(&name) == Some(&acked.bytes));
            assert!(
                live || is_kept,
                "version {} of {} is in no live table and on no list; primary {}, left {:#?}, salvage {:#?}",
                acked.version,
                acked.table,
                view.group.effective_primary_region,
                view.left_behind,
                view.salvage
            );
        }
    }
}

async fn run(ops: &[Op]) {
    let dir = tempfile::tempdir().expect("a temp dir");
    let mut world = World::new(dir.path()).await;
    for op in ops {
        world.happens(op).await;
        if matches!(op, Op::Planned(_) | Op::Forced(_)) {
            world.nothing_is_lost().await;
        }
    }
    world.nothing_is_lost().await;
    world.engine.stop().await;
}

#[test]
fn every_acknowledged_commit_is_live_or_on_a_list_and_a_planned_failover_adds_nothing_unasked() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seeds = match number("HISTORY") {
        Some(seed) => seed..seed + 1,
        None => 1..number("HISTORIES").unwrap_or(3) + 1,
    };
    for seed in seeds {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
        let mut runner = TestRunner::new_with_rng(Config::default(), rng);
        let ops = history().new_tree(&mut runner).expect("a history").current();
        println!("HISTORY={seed}: {ops:?}");
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(run(&ops));
    }
}
