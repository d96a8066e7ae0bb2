//! The drill: what it rehearses, and what its report says.

use super::support::program;
use serde_json::Value;

fn drill(commits_a_second: &str) -> Value {
    let dir = tempfile::tempdir().expect("a folder");
    let text = |name: &str| dir.path().join(name).display().to_string();
    let (data, json) = (text("data"), text("report.json"));
    let options = ["--sandbox", "--sandbox-tables", "12", "--sandbox-commits-per-second", commits_a_second];
    let ended = program(&[&["drill", "--data-dir", &data, "--json", &json], &options[..]].concat());
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    let report: Value = serde_json::from_slice(&std::fs::read(&json).expect("a report")).expect("JSON");
    assert!(ended.status.success(), "{report:#}\n{said}");
    report
}

fn lost_and_listed(report: &Value) {
    assert_eq!(report["held"], true, "{report:#}");
    let lost = report["commits_lost"].as_u64().expect("a number");
    assert!(lost > 0, "a failover that loses nothing rehearses nothing: {report:#}");
    assert_eq!(report["commits_salvaged"].as_u64(), Some(lost), "{report:#}");
}

#[test]
fn the_forced_failover_of_a_drill_loses_commits_even_where_no_job_writes() {
    let report = drill("0");
    lost_and_listed(&report);
    for key in ["rto_seconds", "rpo_seconds", "planned_rto_seconds"] {
        assert!(report[key].is_number(), "{key}: {report:#}");
    }
    // The managed tables that were asked for, and the sandbox's two external ones.
    assert_eq!((report["tables_verified"].as_u64(), report["tables_differing"].as_u64()), (Some(14), Some(0)));
    let steps = report["steps"].as_array().expect("steps");
    assert!(steps.iter().all(|step| step["name"].is_string() && step["seconds"].is_number()), "{report:#}");
}

#[test]
fn a_drill_lists_exactly_what_it_lost_while_jobs_write() {
    lost_and_listed(&drill("20"));
}
