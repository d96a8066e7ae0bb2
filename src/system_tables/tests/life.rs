//! A table over days and years: few files, old rows gone, and what a crash or someone else leaves.

use super::{after, noon, row};
use crate::domain::Timestamp;
use crate::system_tables::{StateRow, SystemTableError, Table, lag_since};
use chrono::TimeDelta;
use std::path::Path;

fn open(folder: &Path, now: Timestamp) -> Table {
    Table::open::<StateRow>(folder, now).expect("it opens")
}

fn append(table: &mut Table, rows: &[StateRow], now: Timestamp) {
    table.append(rows, now).expect("appended");
    table.settle(now).expect("settled");
}

/// Rows of the newest version, as a new process reads them.
fn rows(folder: &Path, now: Timestamp) -> usize {
    let groups = lag_since(&open(folder, now), noon() - TimeDelta::days(10_000)).expect("it reads");
    groups.values().map(Vec::len).sum()
}

fn data_files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).expect("listed");
    entries.filter(|e| e.as_ref().is_ok_and(|e| e.file_name().to_string_lossy().ends_with(".parquet"))).count()
}

fn commits(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder.join("_delta_log")).expect("listed");
    entries.filter(|e| e.as_ref().is_ok_and(|e| e.path().extension().is_some_and(|x| x == "json"))).count()
}

#[test]
fn many_appends_lie_in_few_files_and_a_day_that_is_over_in_one() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let mut table = open(dir.path(), noon());
    for i in 0..250 {
        append(&mut table, &[row("a", after(i * 30)), row("b", after(i * 30))], after(i * 30));
        assert!(table.live_files() <= 33, "{} files", table.live_files());
    }
    assert_eq!(rows(dir.path(), after(250 * 30)), 500);
    let tomorrow = noon() + TimeDelta::days(1);
    append(&mut table, &[row("a", tomorrow)], tomorrow);
    assert_eq!(table.live_files(), 2, "one of the day before and one of this");
    assert_eq!(rows(dir.path(), tomorrow), 501);
    assert!(dir.path().join("_delta_log/_last_checkpoint").exists(), "and a reader need not read every commit");
}

#[test]
fn what_is_not_needed_goes_after_a_day_and_the_table_is_whole() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let mut table = open(dir.path(), noon());
    for i in 0..300 {
        append(&mut table, &[row("a", after(i * 30))], after(i * 30));
    }
    assert!(data_files(dir.path()) > 290, "merged files stay for readers that opened the table before");
    std::fs::write(dir.path().join("states-2026-11-22-left.parquet"), b"half").expect("written");
    let later = noon() + TimeDelta::days(3);
    // The leftover is as old as this test, which runs before the injected time or after it.
    let file = std::fs::File::options().write(true).open(dir.path().join("states-2026-11-22-left.parquet"));
    file.expect("there").set_modified(noon().into()).expect("set");
    append(&mut table, &[row("a", later)], later);
    let tidied = later + TimeDelta::days(2);
    append(&mut table, &[row("a", tidied)], tidied);
    assert_eq!(data_files(dir.path()), table.live_files(), "nothing but live files is left");
    assert!(commits(dir.path()) < 120, "{} commits are left", commits(dir.path()));
    assert_eq!(rows(dir.path(), tidied), 302);
}

#[test]
fn rows_are_kept_for_a_year() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let mut table = open(dir.path(), noon());
    append(&mut table, &[row("a", noon())], noon());
    append(&mut table, &[row("a", noon() + TimeDelta::days(2))], noon() + TimeDelta::days(2));
    let year = noon() + TimeDelta::days(366);
    append(&mut table, &[row("a", year)], year);
    assert_eq!(rows(dir.path(), year), 2, "the oldest is gone, that of 364 days ago is there");
}

#[test]
fn rows_of_two_days_lie_in_two_files() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let mut table = open(dir.path(), noon());
    append(&mut table, &[row("a", after(3600 * 13)), row("a", noon())], after(3600 * 13));
    assert_eq!(table.live_files(), 2);
    assert_eq!(table.newest(), Some(after(3600 * 13)));
}

#[test]
fn a_commit_of_another_program_is_built_upon() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let mut table = open(dir.path(), noon());
    append(&mut open(dir.path(), noon()), &[row("a", noon())], noon());
    append(&mut table, &[row("b", noon())], noon());
    assert_eq!(table.version(), 2);
    assert_eq!(rows(dir.path(), noon()), 2);
}

#[test]
fn a_table_of_other_columns_is_named_and_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a temp dir");
    drop(Table::open::<crate::system_tables::ObjectRow>(dir.path(), noon()).expect("it opens"));
    let error = Table::open::<StateRow>(dir.path(), noon()).err().expect("refused");
    assert!(matches!(error, SystemTableError::Foreign { .. }), "{error}");
    let said = error.to_string();
    assert!(said.contains(&dir.path().canonicalize().expect("a path").display().to_string()), "{said}");
    assert!(said.contains("Move the folder away"), "{said}");
    assert_eq!(commits(dir.path()), 1);
}

#[test]
fn a_torn_log_is_named_and_left_as_it_is() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let mut table = open(dir.path(), noon());
    append(&mut table, &[row("a", noon())], noon());
    let torn = dir.path().join("_delta_log/00000000000000000001.json");
    std::fs::write(&torn, b"{\"commitInfo\":").expect("written");
    let error = Table::open::<StateRow>(dir.path(), noon()).err().expect("refused");
    assert!(matches!(error, SystemTableError::Torn { .. }), "{error}");
    assert!(error.to_string().contains("move it away"), "{error}");
    assert_eq!(std::fs::read(&torn).expect("kept"), b"{\"commitInfo\":");
}

#[test]
fn a_commit_that_claims_a_terabyte_is_named_and_not_read() {
    let dir = tempfile::tempdir().expect("a temp dir");
    drop(open(dir.path(), noon()));
    let path = dir.path().join("_delta_log/00000000000000000001.json");
    std::fs::File::create(&path).and_then(|file| file.set_len(1 << 40)).expect("a sparse file");
    let error = Table::open::<StateRow>(dir.path(), noon()).err().expect("refused");
    assert!(error.to_string().contains("has 1099511627776 bytes"), "{error}");
}
