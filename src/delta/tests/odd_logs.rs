//! Logs that look odd, and what Python's deltalake 1.6.6 and DuckDB 1.5.5 make of each: what both read is shipped.
//!
//! Every log is judged twice, all at once and commit by commit, and both times alike.

use super::table::*;
use crate::delta::log::{Log, read_log_state};
use crate::delta::place::LocalPlace;
use crate::delta::*;
use crate::domain::{ErrorClass, ObjectStatus};
use serde_json::{Value, json};
use std::path::Path;

/// What becomes of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Verdict {
    /// Both readers read these files, and it arrives.
    Reads(Vec<&'static str>),
    Refused(ErrorClass),
}

use Verdict::{Reads, Refused};

const CORRUPT: Verdict = Refused(ErrorClass::CorruptLog);

/// The live files of a source, decoded.
fn live(path: &Path) -> Vec<String> {
    let place = LocalPlace::new(path.to_path_buf());
    let log = Log::list(&place, 0).expect("a log");
    let version = log.newest(None).expect("a version");
    let state = read_log_state(&place, &log, version, |_, _| {}).expect("a state");
    let live = state.inventory.files.iter().filter(|(_, named)| named.live);
    let mut live: Vec<String> = live.map(|(path, _)| path.to_string()).collect();
    live.sort();
    live
}

/// What lies in the log beside the commits once all of them are there.
type Beside = Option<fn(&Table)>;

/// A table whose version 1 adds `f.parquet`, and whose folder holds some files that no commit names yet.
fn begin(dir: &Path, begun: &[Value]) -> Table {
    let mut table = Table::create(dir.join("source"));
    for name in ["f.parquet", "n.parquet", "a b.parquet", "d/x.parquet", "5"] {
        table.file(name, &content(name));
    }
    if !begun.is_empty() {
        table.commit(begun);
    }
    table
}

/// The verdicts on a table that gets `commits` after version 1: when all are there at once, and with a shipment after each.
async fn verdicts(name: &str, commits: &[Vec<u8>], beside: Beside) -> [Verdict; 2] {
    let mut found = Vec::new();
    for one_by_one in [false, true] {
        let dir = tempfile::tempdir().expect("a folder");
        let mut table = begin(dir.path(), &[add("f.parquet")]);
        let replica = TableRoot::Local(dir.path().join("replica"));
        let mut known = None;
        let mut step = async |table: &Table| -> Result<(), TableFault> {
            known = Some(replicate(&table.root, &replica, known.as_ref()).await?.position);
            Ok(())
        };
        if one_by_one {
            step(&table).await.expect("a shipment");
        }
        for (index, commit) in commits.iter().enumerate() {
            table.commit_bytes(commit);
            if one_by_one && index + 1 < commits.len() {
                // What is refused now may be read later.
                let _ = step(&table).await;
            }
        }
        if let Some(beside) = beside {
            beside(&table);
        }
        let end = step(&table).await;
        found.push(match end {
            Err(fault) => {
                assert!(fault.message.ends_with('.'), "{fault:?}");
                Refused(fault.class)
            }
            Ok(()) => {
                let compared = compare_all(&table.root, &replica).await;
                let fine = [ObjectStatus::InSync, ObjectStatus::Unverifiable].contains(&compared.status);
                assert!(fine, "{name}: {compared:?}");
                let live = live(&table.path);
                for path in &live {
                    assert!(dir.path().join("replica").join(path).is_file(), "{name}: {path} did not arrive");
                }
                let names = ["5", "a b.parquet", "d/x.parquet", "f.parquet", "n.parquet"];
                Reads(names.into_iter().filter(|name| live.iter().any(|live| live == name)).collect())
            }
        });
    }
    found.try_into().expect("two verdicts")
}

fn lines(actions: &[Value]) -> Vec<u8> {
    actions.iter().map(|action| format!("{action}\n")).collect::<String>().into_bytes()
}

/// An add of `n.parquet` with a member changed.
fn changed(member: &str, value: Value) -> Vec<u8> {
    let mut action = add("n.parquet");
    action["add"][member] = value;
    lines(&[action])
}

fn spelled(path: &str, rel: &str) -> Value {
    let mut action = add(rel);
    action["add"]["path"] = json!(path);
    action
}

fn unspelled(path: &str) -> Value {
    json!({"remove": {"path": path, "deletionTimestamp": START_MS, "dataChange": true}})
}

async fn check(cases: Vec<(&str, Vec<Vec<u8>>, Verdict)>) {
    let mut wrong = Vec::new();
    for (name, commits, wanted) in cases {
        let found = verdicts(name, &commits, None).await;
        if found != [wanted.clone(), wanted.clone()] {
            wrong.push(format!("{name}: {found:?}, not {wanted:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn bytes_of_a_commit_are_taken_as_readers_take_them() {
    let n = || lines(&[add("n.parquet")]);
    let (only_f, both) = (|| Reads(vec!["f.parquet"]), || Reads(vec!["f.parquet", "n.parquet"]));
    let joined = |between: &str| format!(r#"{{"txn":{{"appId":"a","version":1}}}}{between}{}"#, add("n.parquet"));
    let with = |before: &[u8], after: &[u8]| vec![[before, &n(), after].concat()];
    check(vec![
        ("no bytes", vec![Vec::new()], only_f()),
        ("no bytes, and one more", vec![Vec::new(), n()], both()),
        ("blank lines", vec![b"\n\n  \r\n\t\n".to_vec(), n()], both()),
        ("spaces", vec![b"   ".to_vec(), n()], both()),
        (
            "a line end of another system",
            vec![String::from_utf8(n()).expect("text").replace('\n', "\r\n").into()],
            both(),
        ),
        ("no line end", with(b"", b"").into_iter().map(|bytes| bytes.trim_ascii_end().to_vec()).collect(), both()),
        ("carriage returns alone", vec![joined("\r").into()], both()),
        ("two in one line", vec![joined("").into()], both()),
        ("two in one line, apart", vec![joined(" ").into()], both()),
        ("one over many lines", vec![serde_json::to_vec_pretty(&add("n.parquet")).expect("JSON")], both()),
        ("blanks at the end", with(b"", b"\t \r\n  "), both()),
        ("a comma too many", vec![b"{\"txn\":{\"appId\":\"a\",\"version\":1},}\n".to_vec()], only_f()),
        ("control characters in text", vec![b"{\"commitInfo\":{\"x\":\"a\x01b\"}}\n".to_vec()], only_f()),
        ("a byte order mark", with(b"\xef\xbb\xbf", b""), CORRUPT),
        ("a byte order mark alone", vec![b"\xef\xbb\xbf".to_vec()], CORRUPT),
        ("zeros at the end", with(b"", b"\0\0\0"), CORRUPT),
        ("zeros", vec![vec![0; 200]], CORRUPT),
        ("a form feed", with(b"", b"\x0c\n"), CORRUPT),
        ("a form feed alone", vec![b"\x0c\n".to_vec()], CORRUPT),
        ("text at the end", with(b"", b"xx"), CORRUPT),
        ("cut short", vec![n()[..40].to_vec()], CORRUPT),
        ("cut short in its second line", with(b"", b"{\"add\":"), CORRUPT),
        ("no text", vec![b"{\"commitInfo\":{\"x\":\"a\xffb\"}}\n".to_vec()], CORRUPT),
        ("a list", vec![b"[]\n".to_vec()], CORRUPT),
        ("null", vec![b"null\n".to_vec()], CORRUPT),
        ("an empty object", vec![b"{}\n".to_vec()], only_f()),
        ("something unknown", vec![b"{\"fancy\":{\"a\":1}}\n".to_vec()], only_f()),
        ("deep nesting", vec![format!("{{\"fancy\":{}{}}}\n", "[".repeat(3000), "]".repeat(3000)).into()], only_f()),
        ("unknown spelling", vec![b"{\"Add\":{\"path\":\"n.parquet\"}}\n".to_vec()], only_f()),
    ])
    .await;
}

#[tokio::test]
async fn what_an_action_holds_is_taken_as_readers_take_it() {
    let both = || Reads(vec!["f.parquet", "n.parquet"]);
    let only_f = || Reads(vec!["f.parquet"]);
    let size = content("n.parquet").len();
    let one = |action: Value| vec![lines(&[action])];
    let twice = format!(
        "{},\"add\":{}}}\n",
        lines(&[add("d/x.parquet")])
            .trim_ascii_end()
            .strip_suffix(b"}")
            .map(String::from_utf8_lossy)
            .expect("an object"),
        add("n.parquet")["add"]
    );
    check(vec![
        ("a size with a fraction", vec![changed("size", json!(size as f64 + 0.5))], both()),
        ("a size as text", vec![changed("size", json!(size.to_string()))], both()),
        ("a size that is no number", vec![changed("size", json!("big"))], CORRUPT),
        ("a time as text", vec![changed("modificationTime", json!("1700000000000"))], both()),
        ("statistics that are none", vec![changed("stats", json!("garbage{"))], both()),
        ("no statistics", vec![changed("stats", Value::Null)], both()),
        ("statistics that are an object", vec![changed("stats", json!({"numRecords": 1}))], CORRUPT),
        ("a partition value that is a number", vec![changed("partitionValues", json!({"x": 5}))], both()),
        ("no deletion vector", vec![changed("deletionVector", Value::Null)], both()),
        ("a deletion vector that is a list", vec![changed("deletionVector", json!([]))], CORRUPT),
        ("a deletion vector of nothing", vec![changed("deletionVector", json!({}))], CORRUPT),
        ("a path as a number", one(json!({"add": {"path": 5, "size": content("5").len(), "partitionValues": {}, "modificationTime": 1, "dataChange": true}})), Reads(vec!["5", "f.parquet"])),
        ("no path", one(json!({"add": {"size": 5}})), CORRUPT),
        ("an add that is text", one(json!({"add": "n.parquet"})), CORRUPT),
        ("an add that is null", one(json!({"add": null})), only_f()),
        ("change data that is text", one(json!({"cdc": "x"})), only_f()),
        ("change data without a path", one(json!({"cdc": {"size": 1}})), only_f()),
        ("a sidecar in a commit", one(json!({"sidecar": ["x"]})), only_f()),
        ("a transaction that is a list", one(json!({"txn": ["x", 1]})), only_f()),
        ("info that is text", one(json!({"commitInfo": "x"})), only_f()),
        ("an add twice in one object", vec![twice.into_bytes()], both()),
        ("protocol numbers as text", one(json!({"protocol": {"minReaderVersion": "1", "minWriterVersion": "2"}})), only_f()),
        ("protocol numbers with a fraction", one(json!({"protocol": {"minReaderVersion": 1.0, "minWriterVersion": 2.0}})), only_f()),
        ("a protocol that is a list", one(json!({"protocol": [1]})), CORRUPT),
        ("a feature that is a number", one(json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [], "writerFeatures": [5]}})), only_f()),
        ("an id that is a number", one(metadata(json!(5), json!({}))), only_f()),
        ("a property that is an object", one(metadata(json!("x"), json!({"a": {}}))), CORRUPT),
    ])
    .await;
}

/// `action` without a member, and with null in its place.
fn lacking(action: &Value, member: &str) -> [Value; 2] {
    let (mut without, mut null) = (action.clone(), action.clone());
    for (action, keep) in [(&mut without, false), (&mut null, true)] {
        let inner = action.as_object_mut().and_then(|kinds| kinds.values_mut().next()?.as_object_mut());
        let inner = inner.expect("an action");
        inner.remove(member);
        if keep {
            inner.insert(member.to_owned(), Value::Null);
        }
    }
    [without, null]
}

#[tokio::test]
async fn an_action_without_what_readers_insist_on_flags_its_table() {
    let (add, remove) = (add("n.parquet"), remove("f.parquet"));
    let (metadata, protocol) =
        (metadata(json!("x"), json!({})), json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}));
    let mut cases = Vec::new();
    for (action, members) in [
        (&add, &["path", "partitionValues", "size", "modificationTime", "dataChange"][..]),
        (&remove, &["path", "dataChange"]),
        (&metadata, &["id", "format", "schemaString", "partitionColumns", "configuration"]),
        (&protocol, &["minReaderVersion", "minWriterVersion"]),
    ] {
        for member in members {
            cases.extend(lacking(action, member).map(|action| (*member, vec![lines(&[action])], CORRUPT)));
        }
    }
    // Whether a later version still needs the file makes no difference: readers read every commit.
    let [without, _] = lacking(&add, "size");
    cases.push((
        "removed again",
        vec![lines(std::slice::from_ref(&without)), lines(&[unspelled("n.parquet")])],
        CORRUPT,
    ));
    cases.push(("added again", vec![lines(&[without]), lines(std::slice::from_ref(&add))], CORRUPT));
    let only_f = || Reads(vec!["f.parquet"]);
    for action in lacking(&metadata, "createdTime") {
        cases.push(("createdTime", vec![lines(&[action])], only_f()));
    }
    for action in lacking(&remove, "deletionTimestamp") {
        cases.push(("deletionTimestamp", vec![lines(&[action])], Reads(vec![])));
    }
    for (member, value, verdict) in [
        ("provider", json!({"provider": "parquet"}), CORRUPT),
        ("options", json!({"options": {}}), CORRUPT),
        ("format", json!("parquet"), CORRUPT),
        ("another format", json!({"provider": "orc", "options": {}}), only_f()),
    ] {
        let mut action = metadata.clone();
        action["metaData"]["format"] = value;
        cases.push((member, vec![lines(&[action])], verdict));
    }
    for (member, value) in
        [("schemaString", json!({})), ("partitionColumns", json!("id")), ("partitionColumns", json!([null]))]
    {
        let mut action = metadata.clone();
        action["metaData"][member] = value;
        cases.push((member, vec![lines(&[action])], CORRUPT));
    }
    check(cases).await;
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut table, replica) = (begin(dir.path(), &[add("f.parquet")]), TableRoot::Local(dir.path().join("replica")));
    let [without, _] = lacking(&add("n.parquet"), "modificationTime");
    table.commit(&[without]);
    let fault = replicate(&table.root, &replica, None).await.expect_err("a flagged table");
    assert!(fault.message.contains("line 1: missing field `modificationTime`"), "{}", fault.message);
}

#[tokio::test]
async fn paths_are_compared_as_the_log_spells_them() {
    let f = || Reads(vec!["f.parquet"]);
    let a_b = || Reads(vec!["a b.parquet", "f.parquet"]);
    let encoded = || lines(&[spelled("a%20b.parquet", "a b.parquet")]);
    let plain = || lines(&[spelled("a b.parquet", "a b.parquet")]);
    check(vec![
        ("removed under another spelling", vec![encoded(), lines(&[unspelled("a b.parquet")])], a_b()),
        ("removed under its spelling", vec![encoded(), lines(&[unspelled("a%20b.parquet")])], f()),
        ("two spellings of one file", vec![encoded(), plain()], a_b()),
        ("one of two spellings removed", vec![encoded(), plain(), lines(&[unspelled("a b.parquet")])], a_b()),
        (
            "both spellings removed",
            vec![[encoded(), plain()].concat(), lines(&[unspelled("a b.parquet"), unspelled("a%20b.parquet")])],
            f(),
        ),
        ("removed with a dot in front", vec![lines(&[unspelled("./f.parquet")])], f()),
        (
            "added with a dot in front",
            vec![lines(&[spelled("./f.parquet", "f.parquet")]), lines(&[unspelled("f.parquet")])],
            f(),
        ),
        (
            "a slash that is encoded",
            vec![lines(&[spelled("d%2Fx.parquet", "d/x.parquet")])],
            Reads(vec!["d/x.parquet", "f.parquet"]),
        ),
        ("removed and never added", vec![lines(&[unspelled("never.parquet")])], f()),
        ("a file outside removed", vec![lines(&[unspelled("../never.parquet")])], f()),
        ("an absolute path removed", vec![lines(&[unspelled("s3://bucket/never.parquet")])], f()),
        ("a path removed that can be none", vec![lines(&[unspelled("a%ff")]), lines(&[unspelled("")])], f()),
        ("a file of the log removed", vec![lines(&[unspelled("_delta_log/x.parquet")])], f()),
        (
            "a file outside added",
            vec![lines(&[spelled("../n.parquet", "n.parquet")])],
            Refused(ErrorClass::AbsolutePath),
        ),
        // Of two in one commit, the first holds.
        (
            "added and removed in one commit",
            vec![lines(&[add("n.parquet"), unspelled("n.parquet")])],
            Reads(vec!["f.parquet", "n.parquet"]),
        ),
        ("removed and added in one commit", vec![lines(&[unspelled("f.parquet"), add("f.parquet")])], Reads(vec![])),
        ("added twice", vec![lines(&[add("f.parquet"), add("f.parquet")]), lines(&[add("f.parquet")])], f()),
    ])
    .await;
}

/// A checkpoint of version `version` of a table that holds `f.parquet` alone.
fn checkpoint_of_f(table: &Table, version: i64) {
    let protocol_and_metadata = std::fs::read_to_string(table.path.join(log_path(0, "json"))).expect("a commit");
    let name = format!("_delta_log/{version:020}.checkpoint.{}.json", uuid::Uuid::nil());
    table.file(&name, format!("{protocol_and_metadata}{}\n", add("f.parquet")).as_bytes());
}

#[tokio::test]
async fn a_commit_that_cannot_be_read_is_none_to_who_begins_above_it() {
    let garbage = || b"{garbage".to_vec();
    let n = || lines(&[add("n.parquet")]);
    for (name, commits, beside, wanted) in [
        ("below", vec![garbage(), Vec::new(), n()], 3, Reads(vec!["f.parquet", "n.parquet"])),
        ("at", vec![Vec::new(), garbage(), n()], 3, Reads(vec!["f.parquet", "n.parquet"])),
        ("at the newest", vec![Vec::new(), garbage()], 3, Reads(vec!["f.parquet"])),
        ("above", vec![Vec::new(), garbage(), n()], 2, CORRUPT),
    ] {
        let beside: Beside =
            Some(if beside == 3 { |table| checkpoint_of_f(table, 3) } else { |table| checkpoint_of_f(table, 2) });
        assert_eq!(verdicts(name, &commits, beside).await, [wanted.clone(), wanted], "{name}");
    }
}

#[tokio::test]
async fn a_protocol_that_comes_late_and_the_first_of_two_hold() {
    let id = |id: &str| metadata(json!(id), json!({}));
    let protocol = json!({"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}});
    for (begun, then, wanted) in [
        (vec![id("one"), id("two"), protocol.clone()], vec![add("f.parquet")], "one"),
        (vec![id("one")], vec![protocol.clone()], "one"),
        (vec![protocol.clone()], vec![id("late")], "late"),
        (vec![], vec![protocol, id("late")], "late"),
    ] {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("source");
        let (mut table, replica) = (Table::create(path), TableRoot::Local(dir.path().join("replica")));
        table.file("f.parquet", &content("f.parquet"));
        std::fs::write(table.path.join(log_path(0, "json")), lines(&begun)).expect("a first commit");
        table.commit(&then);
        let shipped = replicate(&table.root, &replica, None).await.expect("a shipment");
        assert_eq!(shipped.position.table_id, wanted, "{begun:?}");
        assert_eq!(compare_all(&table.root, &replica).await.status, ObjectStatus::InSync);
    }
}

#[tokio::test]
async fn a_compaction_that_no_commit_bears_out_stays_behind() {
    let dir = tempfile::tempdir().expect("a folder");
    let (mut table, replica) = (begin(dir.path(), &[add("f.parquet")]), TableRoot::Local(dir.path().join("replica")));
    table.commit(&[add("n.parquet")]);
    let name = "_delta_log/00000000000000000001.00000000000000000002.compacted.json";
    for bytes in [&b"{garbage"[..], b"", b"{\"add\":{\"path\":\"only-there.parquet\",\"size\":1}}\n"] {
        table.file(name, bytes);
        table.commit(&[]);
        replicate(&table.root, &replica, None).await.expect("a shipment");
        assert!(!dir.path().join("replica").join(name).exists());
        assert_eq!(compare_all(&table.root, &replica).await.status, ObjectStatus::InSync);
    }
}
