//! The console as a client of another account's API: that of another process's `serve`.

use resilience::domain::{FailoverKind, GroupId, GroupState, SystemClock};
use resilience::runtime::{
    AccountLogin, AccountSource, Intent, IntentId, Notice, NoticeDetail, RuntimeThread, Snapshot,
};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

const PROGRAM: &str = env!("CARGO_BIN_EXE_resilience-console");

/// `serve` on a sandbox of its own.
struct Served {
    child: Child,
    ready: Value,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(dir: &Path) -> Served {
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--sandbox", "--sandbox-tables", "2", "--sandbox-commits-per-second", "0", "--data-dir"])
        .arg(dir.join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let line = BufReader::new(child.stdout.take().expect("a pipe")).lines().next().expect("a line").expect("text");
    Served { child, ready: serde_json::from_str(&line).expect("JSON") }
}

impl Served {
    fn text(&self, key: &str) -> &str {
        self.ready[key].as_str().expect("text")
    }

    fn region(&self, at: usize, key: &str) -> &str {
        self.ready["regions"][at][key].as_str().expect("text")
    }

    fn account(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.arg("account").args(arguments).args(["--account-url", self.text("api_url")]);
        command.args(["--account-token-file", self.text("token_file")]).output().expect("it runs")
    }

    fn points(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(["points", "core"]).args(arguments).args(["--account-url", self.text("api_url")]);
        command.args(["--account-token-file", self.text("token_file")]).output().expect("it runs")
    }

    fn done(&self, arguments: &[&str]) -> Value {
        let output = self.account(arguments);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    fn source(&self) -> AccountSource {
        let login = AccountLogin::ClientFile(PathBuf::from(self.text("client_file")));
        AccountSource { url: self.text("api_url").to_owned(), account_id: None, login }
    }

    /// A group over the first seeded catalog, as the API takes it.
    fn body(&self, catalog: &str) -> Value {
        let both = |key: &str| [self.region(0, key).to_owned(), self.region(1, key).to_owned()];
        let [from, to] = both("region");
        let [first, second] = both("storage_root");
        json!({"regions": [from, to], "initial_primary_region": from,
            "workspace_sets": [{"name": "w", "workspace_ids": both("workspace_id")}],
            "unity_catalog_assets": {"catalogs": [{"name": catalog}], "data_replication_workspace_set": "w",
                "location_mappings": [{"name": "all", "uri_by_region": [
                    {"region": from, "uri": format!("{first}/*")}, {"region": to, "uri": format!("{second}/*")}]}]}})
    }

    /// A seeded catalog with tables in it.
    fn catalog(&self) -> String {
        let url = format!("{}/api/2.1/unity-catalog/catalogs", self.region(0, "workspace_url"));
        let token = std::fs::read_to_string(self.region(0, "token_file")).expect("a token");
        let asked = Command::new("curl")
            .args(["-s", "-H", &format!("Authorization: Bearer {}", token.trim()), &url])
            .output()
            .expect("curl runs");
        let listed: Value = serde_json::from_slice(&asked.stdout).expect("JSON");
        let names = listed["catalogs"].as_array().expect("catalogs").iter().filter_map(|c| c["name"].as_str());
        names.filter(|name| !matches!(*name, "system" | "cannot_replicate")).map(str::to_owned).next().expect("one")
    }
}

fn until(window: &RuntimeThread, what: &str, done: impl Fn(&Snapshot) -> bool) -> Arc<Snapshot> {
    let begun = Instant::now();
    loop {
        let snapshot = window.snapshots.borrow().clone();
        if done(&snapshot) {
            return snapshot;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {what}: {:#?}", snapshot.account);
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_window_and_the_command_line_are_clients_of_another_account() {
    let dir = tempfile::tempdir().expect("a folder");
    let served = serve(dir.path());
    let file = dir.path().join("group.json");
    std::fs::write(&file, served.body(&served.catalog()).to_string()).expect("written");
    let path = file.to_str().expect("text");
    served.done(&["create", "core", "--json", path, "--validate-only"]);
    assert_eq!(served.done(&["list"]), json!([]), "checked, and not created");
    served.done(&["create", "core", "--json", path]);
    served.done(&["create-stable-url", "shop", "--workspace-id", served.region(0, "workspace_id")]);
    let twice = served.account(&["create", "core", "--json", path]);
    assert_eq!(twice.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&twice.stderr).contains("already"), "{twice:?}");

    // What no account API tells isn't answered from a data dir that happens to be there.
    let verify = Command::new(PROGRAM)
        .args(["verify", "core", "--account-url", served.text("api_url"), "--data-dir"])
        .arg(dir.path().join("data"))
        .output()
        .expect("it runs");
    assert_eq!(verify.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&verify.stderr).contains("doesn't tell this"), "{verify:?}");

    let (window, mut notices) = RuntimeThread::start_for_account(served.source(), false, Arc::new(SystemClock), || {})
        .expect("it reads the account");
    let id = GroupId::new("core").expect("an id");
    let state = |snapshot: &Snapshot| snapshot.account.groups.first().map(|view| view.group.state);
    let snapshot = until(&window, "ACTIVE", |snapshot| state(snapshot) == Some(GroupState::Active));
    assert_eq!(snapshot.account.account_id, served.text("account_id"));
    assert_eq!(snapshot.account.workspaces.len(), 2);
    assert_eq!(snapshot.account.stable_urls.first().map(|url| url.id.as_str()), Some("shop"));
    assert_eq!(snapshot.deployment.account_url.as_deref(), Some(served.text("api_url")));
    let group = snapshot.account.groups.first().expect("one").group.clone();
    assert!(group.replication_point.is_some() && !group.etag.is_empty());

    // Its newest point is told by the API, older ones by its system table; which versions they were, by neither.
    let now = served.points(&[]);
    assert_eq!(now.status.code(), Some(0), "{now:?}");
    assert!(String::from_utf8_lossy(&now.stdout).contains("not which version"), "{now:?}");
    let early = group.replication_point.expect("a point");
    let snapshot = until(&window, "a later point", |snapshot| {
        snapshot.account.groups.first().and_then(|view| view.group.replication_point) > Some(early)
    });
    let (early, before) = (early.to_rfc3339(), snapshot.taken_at);
    until(&window, "a point after that", |snapshot| {
        snapshot.account.groups.first().and_then(|view| view.group.replication_point) > Some(before)
    });
    let unknown = served.points(&["--at", &early]);
    assert_eq!(unknown.status.code(), Some(1), "{unknown:?}");
    assert!(String::from_utf8_lossy(&unknown.stdout).contains("--states"), "{unknown:?}");
    let states = format!("{}/replication/states", served.text("system_tables"));
    let begun = Instant::now();
    loop {
        let past = served.points(&["--at", &before.to_rfc3339(), "--states", &states]);
        if past.status.code() == Some(0) {
            assert!(String::from_utf8_lossy(&past.stdout).starts_with("Replication point of core: "), "{past:?}");
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{past:?}");
        std::thread::sleep(Duration::from_millis(200));
    }

    let mut number = 0;
    let mut ask = |intent: Intent| {
        number += 1;
        window.intents.try_send((IntentId(number), intent)).expect("taken");
        let begun = Instant::now();
        loop {
            match notices.try_recv() {
                Ok(Notice { outcome, .. }) => return outcome,
                Err(_) => assert!(begun.elapsed() < Duration::from_secs(30), "no answer"),
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    };
    let fail_over = |kind, etag: &str| Intent::FailOver {
        as_of: None,
        provisional_minutes: None,
        id: id.clone(),
        target_primary_region: group.spec.regions[1].clone(),
        kind,
        etag: etag.to_owned(),
        accept_left_behind: Vec::new(),
    };
    let planned = ask(fail_over(FailoverKind::Planned, &group.etag)).expect_err("it isn't published");
    assert!(planned.sentence.contains("forced failovers only"), "{}", planned.sentence);
    let stale = ask(fail_over(FailoverKind::Forced, "not-the-etag")).expect_err("the group has moved on");
    assert!(stale.stale, "{}", stale.sentence);
    let verify = ask(Intent::EstimateLoss { id: id.clone() }).expect_err("the API has no such call");
    assert!(verify.sentence.contains("has no call for this"), "{}", verify.sentence);

    let etag = until(&window, "the group", |snapshot| state(snapshot) == Some(GroupState::Active)).account.groups[0]
        .group
        .etag
        .clone();
    let accepted = ask(fail_over(FailoverKind::Forced, &etag)).expect("accepted");
    assert!(matches!(accepted, NoticeDetail::Group(_)), "{accepted:?}");
    until(&window, "the other primary", |snapshot| {
        let group = snapshot.account.groups.first().map(|view| &view.group);
        group.is_some_and(|group| group.effective_primary_region.as_str() == served.region(1, "region"))
    });
    let shown = served.done(&["show", "core"]);
    assert_eq!(shown["effective_primary_region"], served.region(1, "region"));
    served.done(&["delete-stable-url", "shop"]);
    until(&window, "no stable URL", |snapshot| snapshot.account.stable_urls.is_empty());
    window.stop();
}

#[test]
fn a_wrong_token_is_said_before_a_window_opens() {
    let dir = tempfile::tempdir().expect("a folder");
    let served = serve(dir.path());
    let token = dir.path().join("token");
    std::fs::write(&token, "hunter2").expect("written");
    let source = AccountSource { login: AccountLogin::TokenFile(token), ..served.source() };
    let refused = RuntimeThread::start_for_account(source, false, Arc::new(SystemClock), || {}).err().expect("refused");
    let sentence = refused.to_string();
    assert!(sentence.contains("rejected the login") && !sentence.contains("hunter2"), "{sentence}");
}
