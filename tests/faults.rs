//! Kills the program at named points, starts it again on the same data dir, and expects everything to end well.
//!
//! Runs in builds with the feature `failpoints`.

#![cfg(feature = "failpoints")]

use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Mutex;

/// Two at a time: more would only wait for the cores, and their clocks would run out.
static SLOTS: [Mutex<()>; 2] = [Mutex::new(()), Mutex::new(())];

fn drill(data: &Path, kill_at: Option<&str>) -> (ExitStatus, String) {
    let report = data.with_extension("json");
    let mut command = Command::new(env!("CARGO_BIN_EXE_resilience-console"));
    command.args(["drill", "--sandbox", "--sandbox-commits-per-second", "6"]);
    command.arg("--data-dir").arg(data).arg("--json").arg(&report);
    command.env_remove("RESILIENCE_KILL_AT");
    if let Some(point) = kill_at {
        command.env("RESILIENCE_KILL_AT", point);
    }
    let output = command.output().expect("the program starts");
    (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

/// Kills a drill at `point`, runs it again, and expects it to hold.
fn survives(point: &str) {
    use std::os::unix::process::ExitStatusExt;
    let slot = usize::from(point.len().is_multiple_of(2));
    let _slot = SLOTS[slot].lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let dir = tempfile::tempdir().expect("a temp dir");
    let data = dir.path().join("data");
    let (killed, log) = drill(&data, Some(point));
    assert_eq!(killed.signal(), Some(9), "{point} was never reached:\n{log}");
    let (ended, log) = drill(&data, None);
    let report = std::fs::read_to_string(data.with_extension("json")).unwrap_or_default();
    assert!(ended.success(), "after a kill at {point}, the same command ended with {ended}:\n{report}\n{log}");
    let report: serde_json::Value = serde_json::from_str(&report).expect("a report");
    assert_eq!(report["held"], true, "{report}");
    assert_eq!(report["tables_differing"], 0, "{report}");
    assert!(report["commits_lost"].as_u64().is_some_and(|n| n > 0), "{report}");
    assert_eq!(report["commits_lost"], report["commits_salvaged"], "{report}");
    assert!(report["tables_verified"].as_u64().is_some_and(|n| n >= 12), "{report}");
}

macro_rules! killed_at {
    ($($name:ident: $point:literal;)*) => {
        $(
            #[test]
            fn $name() {
                survives($point);
            }
        )*
    };
}

killed_at! {
    while_the_sandbox_is_seeded: "sandbox.mid_seed";
    when_a_group_is_stored: "control.after_create_stored";
    when_the_regions_are_prepared: "control.after_provision";
    when_files_are_copied_and_not_synced: "delta.before_data_sync";
    when_files_are_copied: "delta.after_data_copy";
    between_two_commits: "delta.between_commits@3";
    before_a_table_shows_in_the_secondary: "replicate.before_register@5";
    when_commits_are_there_and_not_in_the_ledger: "delta.after_commits@2";
    before_a_point_is_recorded: "control.before_point";
    when_a_failover_is_confirmed: "control.after_failover_confirmed";
    between_remembering_and_pausing: "failover.between_remember_and_pause";
    when_the_old_primary_is_read_only: "failover.after_read_only";
    while_comparing: "failover.compare";
    while_requests_are_held: "failover.hold_requests";
    right_after_the_cutover: "failover.after_cut_over";
    when_markers_and_fences_are_written_and_not_in_place: "delta.promote.before_publish";
    between_a_marker_and_its_fence: "delta.promote.after_marker";
    when_tables_are_promoted: "failover.after_promote";
    while_reversing: "failover.reverse";
    right_after_a_forced_cutover: "failover.after_cut_over@3";
    before_what_was_left_behind_is_safe: "delta.salvage.before_aside_sync";
    in_the_middle_of_a_rewind: "delta.salvage.mid_rewind";
    when_a_table_is_listed_and_not_out_of_the_catalog: "reclaim.after_listing@2";
    between_two_tables_that_are_reclaimed: "reclaim.between_tables@3";
    when_everything_was_set_aside: "reclaim.after_salvage";
}
