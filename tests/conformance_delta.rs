//! Replicates every table below the folder `DELTA_TABLES` and checks what became of each.
//!
//! A table ends as exactly one of: equal (files and bytes of every version that the source can read), not verifiable
//! (as equal, but the reader doesn't support a table feature, which is named), or flagged with a class. Rows of the
//! newest version are compared through Python's `deltalake` where it can be imported (`DELTA_PYTHON` names another
//! interpreter) and can read the source.

use resilience::delta::{
    CompareOptions, Depth, Kept, Plan, PlanRequest, TableRoot, Transfer, compare, look_local, plan, ship,
};
use resilience::domain::ObjectStatus;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// No table of a corpus takes so long, however busy the machine is.
const A_TABLE: Duration = Duration::from_secs(120);

/// What became of a table.
enum Outcome {
    Equal { versions: usize, files: usize },
    Unverifiable { feature: String, versions: usize, files: usize },
    Flagged { class: String, message: String },
}

#[test]
fn every_table_of_the_folder_arrives_whole_or_is_flagged_by_name() {
    let Some(folder) = std::env::var_os("DELTA_TABLES") else {
        println!("did not run: DELTA_TABLES names no folder of Delta tables");
        return;
    };
    let mut tables = Vec::new();
    find_tables(Path::new(&folder), &mut tables);
    tables.sort();
    assert!(!tables.is_empty(), "DELTA_TABLES names {}, which holds no Delta table", Path::new(&folder).display());

    let scratch = tempfile::tempdir().expect("a scratch folder");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let mut outcomes = Vec::new();
    let mut wrong = Vec::new();
    for (index, table) in tables.iter().enumerate() {
        let replica = scratch.path().join(index.to_string());
        let work = async { tokio::time::timeout(A_TABLE, replicate(table, &replica, &mut wrong)).await };
        let outcome = runtime.block_on(work).unwrap_or_else(|_| {
            let message = format!("nothing came of it within {} s", A_TABLE.as_secs());
            wrong.push(format!("{}: {message}", table.display()));
            Outcome::Flagged { class: "HANGS".to_owned(), message }
        });
        outcomes.push((table.clone(), replica, outcome));
    }
    // Threads that hang are left behind.
    runtime.shutdown_background();
    let rows = Rows::read(&outcomes);
    report(Path::new(&folder), &outcomes, &rows, &mut wrong);
    assert!(
        wrong.is_empty(),
        "{} of {} tables are not as they should be:\n{}",
        wrong.len(),
        tables.len(),
        wrong.join("\n")
    );
}

fn find_tables(folder: &Path, found: &mut Vec<PathBuf>) {
    if folder.join("_delta_log").is_dir() {
        found.push(folder.to_path_buf());
        return;
    }
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            find_tables(&entry.path(), found);
        }
    }
}

async fn replicate(table: &Path, replica: &Path, wrong: &mut Vec<String>) -> Outcome {
    let (source, destination) = (TableRoot::Local(table.to_path_buf()), TableRoot::Local(replica.to_path_buf()));
    let flagged = |fault: resilience::delta::TableFault| Outcome::Flagged {
        class: fault.class.as_str().to_owned(),
        message: fault.message,
    };
    let shipment = match plan(PlanRequest::new(&source, &destination, None)).await {
        Ok(Plan::Ship(shipment)) => shipment,
        Ok(Plan::UpToDate(_)) => {
            wrong.push(format!("{}: a replica that is not there counts as up to date", table.display()));
            return Outcome::Flagged { class: "NONE".to_owned(), message: String::new() };
        }
        Err(fault) => return flagged(fault),
    };
    let shipped = match ship(vec![*shipment], &Transfer::default()).await.remove(0) {
        Ok(shipped) => shipped,
        Err(fault) => return flagged(fault),
    };
    let kept = Kept {
        files: shipped.files.iter().map(|file| (file.path.clone(), file.clone())).collect(),
        commits: shipped.commits.iter().map(|commit| (commit.version, commit.sha256.clone())).collect(),
    };
    let compared = compare(&source, &destination, &kept, CompareOptions { up_to: None, depth: Depth::Ledger }).await;
    let (versions, files) = (check_bytes(table, replica, &shipped.unreadable, wrong), shipped.files.len());
    // A version that only a checkpoint holds is looked at again each time.
    let newest = table.join(format!("_delta_log/{:020}.json", shipped.position.version));
    if newest.is_file()
        && !look_local(table, &shipped.position).is_ok_and(|look| look.change == resilience::delta::Change::Same)
    {
        wrong.push(format!("{}: a look finds a change that is not there", table.display()));
    }
    match plan(PlanRequest::new(&source, &destination, None)).await {
        Ok(Plan::UpToDate(position)) if position == shipped.position => {}
        other => wrong.push(format!("{}: a second plan finds {other:?}", table.display())),
    }
    match compared.status {
        ObjectStatus::InSync => Outcome::Equal { versions, files },
        ObjectStatus::Unverifiable => Outcome::Unverifiable {
            feature: compared.parameters.get("feature").cloned().unwrap_or_default(),
            versions,
            files,
        },
        _ => {
            wrong.push(format!("{}: replicated, but compares as {compared:?}", table.display()));
            Outcome::Flagged { class: "DIFFERS".to_owned(), message: compared.message.unwrap_or_default() }
        }
    }
}

/// Compares the bytes of every commit, checkpoint and data file on both sides, apart from the product's own comparison;
/// returns the number of commits. Data files are those that lie in the source's folder and that a commit's text names.
fn check_bytes(table: &Path, replica: &Path, unreadable: &[String], wrong: &mut Vec<String>) -> usize {
    let mut versions = 0;
    let mut text = String::new();
    // A checkpoint without a byte is none to any reader, and is left behind.
    let is_something = |name: &String| {
        let size = std::fs::metadata(table.join("_delta_log").join(name)).map_or(0, |metadata| metadata.len());
        size > 0 || !name.contains(".checkpoint.")
    };
    let log: Vec<String> = names(&table.join("_delta_log")).into_iter().filter(is_something).collect();
    for name in &log {
        let rel = Path::new("_delta_log").join(name);
        let (ours, theirs) = (bytes_of(&table.join(&rel)), bytes_of(&replica.join(&rel)));
        let is_commit = name.strip_suffix(".json").is_some_and(is_version) && ours.is_some();
        if is_commit {
            versions += 1;
            text.push_str(&String::from_utf8_lossy(ours.as_deref().unwrap_or_default()));
        }
        if (is_commit || is_whole_checkpoint(name, &log)) && ours != theirs {
            wrong.push(format!("{}: {} differs", table.display(), rel.display()));
        }
    }
    let mut data = Vec::new();
    walk(table, table, &mut data);
    let targets: HashSet<PathBuf> = data.iter().filter_map(|rel| target_of(&table.join(rel))).collect();
    for rel in data {
        let name = rel.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let shown = rel.to_string_lossy();
        // What a link leads to arrives under the link's name, unless the log names it too.
        let is_target = table.join(&rel).canonicalize().is_ok_and(|path| targets.contains(&path));
        let is_named = if is_target && !table.join(&rel).is_symlink() {
            text.contains(&format!("\"{shown}\""))
        } else {
            text.contains(name)
        };
        if is_named && bytes_of(&table.join(&rel)) != bytes_of(&replica.join(&rel)) {
            wrong.push(format!("{}: the file {shown} differs", table.display()));
        }
        if unreadable.iter().any(|path| *path == shown) {
            wrong.push(format!("{}: {shown} is there, but counts as unreadable", table.display()));
        }
    }
    versions
}

/// Whether `name` is a checkpoint's, or a part of one whose parts are all in `log`: others mean nothing to any reader.
fn is_whole_checkpoint(name: &str, log: &[String]) -> bool {
    let pieces: Vec<&str> = name.split('.').collect();
    match pieces[..] {
        [version, "checkpoint", _, parts, "parquet"] => {
            let siblings = log.iter().filter(|other| {
                other.starts_with(&format!("{version}.checkpoint.")) && other.ends_with(&format!(".{parts}.parquet"))
            });
            parts.parse() == Ok(siblings.count())
        }
        [version, "checkpoint", "parquet"] => is_version(version),
        [version, "checkpoint", id, "parquet" | "json"] => is_version(version) && uuid::Uuid::parse_str(id).is_ok(),
        _ => false,
    }
}

/// Whether it is a version as the log's names have it: 20 digits, and a number that a reader can hold.
fn is_version(text: &str) -> bool {
    text.len() == 20 && text.parse::<i64>().is_ok_and(|version| version >= 0)
}

/// The bytes of a file; None of anything else, which a read could wait for.
fn bytes_of(path: &Path) -> Option<Vec<u8>> {
    path.is_file().then(|| std::fs::read(path).ok()).flatten()
}

/// Where a link leads; None of a file itself.
fn target_of(path: &Path) -> Option<PathBuf> {
    path.is_symlink().then(|| path.canonicalize().ok()).flatten()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let (path, name) = (entry.path(), entry.file_name());
        if path.is_dir() {
            if name != "_delta_log" {
                walk(root, &path, found);
            }
        } else if !name.to_string_lossy().starts_with('.')
            && path.is_file()
            && let Ok(rel) = path.strip_prefix(root)
        {
            found.push(rel.to_path_buf());
        }
    }
}

/// What the independent reader says of each folder; empty if there is none.
struct Rows {
    by_path: HashMap<String, serde_json::Value>,
    why_not: Option<String>,
}

impl Rows {
    fn read(outcomes: &[(PathBuf, PathBuf, Outcome)]) -> Self {
        let python = std::env::var("DELTA_PYTHON").unwrap_or_else(|_| "python3".to_owned());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/read_rows.py");
        let none = |why: String| Self { by_path: HashMap::new(), why_not: Some(why) };
        let check = Command::new(&python).arg(&script).arg("--check").stderr(Stdio::null()).status();
        if !check.is_ok_and(|status| status.success()) {
            return none(format!("{python} cannot import deltalake and pyarrow"));
        }
        let replicated = outcomes.iter().filter(|(.., outcome)| !matches!(outcome, Outcome::Flagged { .. }));
        let input: String =
            replicated.flat_map(|(table, replica, _)| [table, replica]).fold(String::new(), |mut text, path| {
                let _ = writeln!(text, "{}", path.display());
                text
            });
        let child = Command::new(&python)
            .arg(&script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut child) = child else { return none(format!("{python} did not start")) };
        let writer = child.stdin.take().map(|mut stdin| std::thread::spawn(move || stdin.write_all(input.as_bytes())));
        let output = child.wait_with_output();
        drop(writer.map(std::thread::JoinHandle::join));
        let lines = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
        let by_path = lines.lines().filter_map(|line| {
            let found: serde_json::Value = serde_json::from_str(line).ok()?;
            Some((found.get("path")?.as_str()?.to_owned(), found))
        });
        Self { by_path: by_path.collect(), why_not: None }
    }

    fn of(&self, path: &Path) -> Option<&serde_json::Value> {
        self.by_path.get(&path.display().to_string()).filter(|found| found.get("error").is_none())
    }
}

fn report(folder: &Path, outcomes: &[(PathBuf, PathBuf, Outcome)], rows: &Rows, wrong: &mut Vec<String>) {
    let mut totals: BTreeMap<String, usize> = BTreeMap::new();
    let mut count = |key: &str| *totals.entry(key.to_owned()).or_default() += 1;
    for (table, replica, outcome) in outcomes {
        let name = table.strip_prefix(folder).unwrap_or(table).display();
        let line = match outcome {
            Outcome::Flagged { class, message } => {
                count("flagged");
                format!("flagged {class}: {message}")
            }
            Outcome::Equal { versions, files } => {
                count("equal");
                format!("equal: {versions} commits, {files} files")
            }
            Outcome::Unverifiable { feature, versions, files } => {
                count("not verifiable");
                format!("not verifiable ({feature}): {versions} commits, {files} files")
            }
        };
        let read = match (rows.of(table), rows.of(replica)) {
            _ if matches!(outcome, Outcome::Flagged { .. }) => String::new(),
            (Some(ours), Some(theirs))
                if ours["digest"] == theirs["digest"] && ours["version"] == theirs["version"] =>
            {
                count("rows compared");
                format!(", {} rows of version {}", ours["rows"], ours["version"])
            }
            (Some(ours), theirs) => {
                wrong.push(format!("{name}: the reader finds {ours} at the source and {theirs:?} at the replica"));
                ", rows differ".to_owned()
            }
            (None, _) => {
                count("bytes only");
                ", bytes only".to_owned()
            }
        };
        println!("{name}: {line}{read}");
    }
    if let Some(why) = &rows.why_not {
        println!("rows were not read: {why}");
    }
    let totals: Vec<String> = totals.iter().map(|(key, number)| format!("{number} {key}")).collect();
    println!("{} tables: {}", outcomes.len(), totals.join(", "));
}
