//! Kills the program at named points, starts it again on the same data dir, and expects everything to end well.
//!
//! Runs in builds with the feature `failpoints`.

#![cfg(feature = "failpoints")]

use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

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

/// The program that serves an account, with its ready line; killed when dropped.
struct Server(Child, Value);

impl Server {
    fn start(data: &Path, kill_at: Option<&str>) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_resilience-console"));
        command.args(["serve", "--sandbox", "--sandbox-commits-per-second", "0", "--data-dir"]).arg(data);
        command.env_remove("RESILIENCE_KILL_AT").stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(point) = kill_at {
            command.env("RESILIENCE_KILL_AT", point);
        }
        let mut child = command.spawn().expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        Self(child, serde_json::from_str(&line).expect("a ready line"))
    }

    /// A call of the account API on failover groups; null where the server has died.
    async fn call(&self, method: reqwest::Method, path: &str, body: Value) -> Value {
        let ready = &self.1;
        let text = |key: &str| ready[key].as_str().expect("text").to_owned();
        let token = std::fs::read_to_string(text("token_file")).expect("a token");
        let account = text("account_id");
        let url = format!("{}/api/disaster-recovery/v1/accounts/{account}/failover-groups{path}", text("api_url"));
        let request = reqwest::Client::new().request(method, url).bearer_auth(token.trim());
        let Ok(answer) = request.json(&body).send().await else { return Value::Null };
        answer.json().await.unwrap_or_default()
    }

    /// Asks until the answer is as `done` says.
    async fn until(&self, path: &str, done: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let answer = self.call(reqwest::Method::GET, path, Value::Null).await;
            if done(&answer) {
                return answer;
            }
            assert!(begun.elapsed() < Duration::from_secs(120), "waited in vain: {answer:#}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn between_two_steps_of_an_isolated_drill() {
    use std::os::unix::process::ExitStatusExt;
    let dir = tempfile::tempdir().expect("a temp dir");
    let data = dir.path().join("data");
    let mut server = Server::start(&data, Some("drill.step@4"));
    let regions = server.1["regions"].as_array().expect("regions").clone();
    let each = |of: &dyn Fn(&Value) -> Value| regions.iter().map(of).collect::<Vec<_>>();
    let star = |region: &Value| format!("{}/*", region["storage_root"].as_str().expect("a root").trim_end_matches('/'));
    let group = json!({
        "regions": each(&|region| region["region"].clone()),
        "initial_primary_region": regions[0]["region"],
        "workspace_sets": [{"name": "set", "workspace_ids": each(&|region| region["workspace_id"].clone())}],
        "unity_catalog_assets": {
            "catalogs": [{"name": "sales"}],
            "data_replication_workspace_set": "set",
            "location_mappings": [{
                "name": "storage",
                "uri_by_region": each(&|region| json!({"region": region["region"], "uri": star(region)})),
            }],
        },
    });
    let made = server.call(reqwest::Method::POST, "?failover_group_id=core", group).await;
    assert_eq!(made["state"], "CREATING", "{made:#}");
    server.until("/core", |group| group["state"] == "ACTIVE").await;
    server.call(reqwest::Method::POST, "/core/drills", json!({"kind": "ISOLATED"})).await;
    let killed = tokio::task::spawn_blocking(move || server.0.wait().expect("it ends")).await.expect("waited");
    assert_eq!(killed.signal(), Some(9), "the step was never reached");
    let server = Server::start(&data, None);
    let drills = server.until("/core/drills", |drills| drills["drills"][0]["outcome"] != "RUNNING").await;
    assert_eq!(drills["drills"][0]["outcome"], "HELD", "{drills:#}");
    assert_eq!(drills["last_proven"]["by"], "isolated drill");
}
