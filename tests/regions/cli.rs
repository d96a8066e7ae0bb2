//! `connect` on the command line.

use super::double::Double;
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn program(data_dir: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_resilience-console"));
    command.args(arguments).arg("--data-dir").arg(data_dir).env("HOME", data_dir);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DATABRICKS_")) {
        command.env_remove(name);
    }
    command
}

/// Runs it off the runtime's threads, which serve the region that it asks.
async fn run(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("it ends")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_regions_are_added_listed_tested_served_and_removed() {
    let dir = tempfile::tempdir().expect("a folder");
    let data = dir.path().join("data");
    let (east, west) = (Double::serve("east", 11, dir.path()).await, Double::serve("west", 22, dir.path()).await);
    east.make_managed("shop.sales.orders");

    let none = run(program(&data, &["serve"])).await;
    assert_eq!(none.status.code(), Some(2));
    assert!(text(&none.stderr).contains("connect add"), "{}", text(&none.stderr));

    // A token from standard input, and one of a profile.
    let url = east.url.clone();
    let mut add = program(&data, &["connect", "add", "one", "--host", &url, "--secret-stdin"]);
    let added = tokio::task::spawn_blocking(move || {
        let mut child = add.stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
        child.stdin.take().expect("a pipe").write_all(b"hunter2\n").expect("typed");
        child.wait_with_output().expect("it ends")
    })
    .await
    .expect("it ends");
    assert_eq!(added.status.code(), Some(0), "{}", text(&added.stderr));
    assert!(text(&added.stderr).contains("region east, workspace 11"));
    let profiles = format!("[dr]\nhost = {}\ntoken = hunter2\n", west.url);
    std::fs::write(data.join(".databrickscfg"), profiles).expect("written");
    let refused = run(program(&data, &["connect", "add", "two", "--host", &west.url, "--no-login"])).await;
    assert_eq!(refused.status.code(), Some(2));
    let added = run(program(&data, &["connect", "add", "two", "--profile", "dr"])).await;
    assert_eq!(added.status.code(), Some(0), "{}", text(&added.stderr));

    let list = run(program(&data, &["connect", "list", "--json"])).await;
    let list: Vec<Value> = serde_json::from_slice(&list.stdout).expect("JSON");
    assert_eq!(list.iter().map(|c| c["region"].as_str().unwrap_or_default()).collect::<Vec<_>>(), ["east", "west"]);
    assert_eq!(list[1]["login"], "profile dr");
    let kept = std::fs::read_to_string(data.join("connections.json")).expect("kept");
    assert!(!kept.contains("hunter2"));

    let sheet = dir.path().join("sheet.json");
    let tested = run(program(&data, &["connect", "test", "one", "--json", sheet.to_str().expect("text")])).await;
    assert_eq!(tested.status.code(), Some(0), "{}", text(&tested.stderr));
    let sheet: Value = serde_json::from_slice(&std::fs::read(&sheet).expect("written")).expect("JSON");
    let lines = sheet["lines"].as_array().expect("lines");
    assert!(lines.iter().any(|line| line["topic"] == "managed tables" && line["mark"] == "warn"));
    east.external_access(false);
    let tested = run(program(&data, &["connect", "test", "one"])).await;
    assert_eq!(tested.status.code(), Some(1), "a line fails");
    assert!(text(&tested.stdout).contains("EXTERNAL USE SCHEMA"), "{}", text(&tested.stdout));
    east.external_access(true);

    let both = run(program(&data, &["serve", "--sandbox"])).await;
    assert_eq!(both.status.code(), Some(2), "a data dir holds one deployment");
    let drill = run(program(&data, &["drill"])).await;
    assert_eq!(drill.status.code(), Some(2));

    let mut serve = program(&data, &["serve"]).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let out = serve.stdout.take().expect("a pipe");
    let ready = tokio::task::spawn_blocking(move || BufReader::new(out).lines().next()).await.expect("a line");
    let ready: Value = serde_json::from_str(&ready.expect("a line").expect("text")).expect("JSON");
    assert_eq!(ready["regions"][1]["workspace_id"], "22");
    assert_eq!(ready["regions"][0]["storage_root"], Value::Null);
    let id = rustix::process::Pid::from_child(&serve);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("told");
    let status = tokio::task::spawn_blocking(move || serve.wait()).await.expect("it ends").expect("it ends");
    assert_eq!(status.code(), Some(0));

    let removed = run(program(&data, &["connect", "remove", "two"])).await;
    assert_eq!(removed.status.code(), Some(0));
    let one = run(program(&data, &["serve"])).await;
    assert!(text(&one.stderr).contains("two regions"), "{}", text(&one.stderr));
    let secrets = std::fs::read_to_string(data.join("connection-secrets.json")).expect("kept");
    assert!(secrets.contains("hunter2"), "the other's is still there");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_data_dir_of_the_sandbox_takes_no_region() {
    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(dir.path().join("sandbox")).expect("a folder");
    let east = Double::serve("east", 11, &dir.path().join("east")).await;
    let added = run(program(dir.path(), &["connect", "add", "one", "--host", &east.url, "--no-login"])).await;
    assert_eq!(added.status.code(), Some(2));
    assert!(text(&added.stderr).contains("holds the sandbox"), "{}", text(&added.stderr));
    assert!(!dir.path().join("connections.json").exists());
}
