//! Nonsense gets a sentence, and nothing is lost.

use super::support::program;
use std::net::TcpListener;
use std::path::Path;

fn says(arguments: &[&str], expected: &str) {
    let output = program(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?} said: {said}");
    assert!(said.contains(expected), "{arguments:?} said: {said}");
    assert!(output.stdout.is_empty(), "standard output carries only what is promised");
    assert!(!said.contains("panicked"), "{said}");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

#[test]
fn an_unknown_option_is_named() {
    says(&["serve", "--sandbox", "--colour"], "--colour");
    says(&["conquer"], "conquer");
    says(&["serve", "--sandbox", "--sandbox-commits-per-second", "lots"], "commits a second");
}

#[test]
fn a_data_dir_that_is_a_file_is_left_alone() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let file = dir.path().join("file");
    std::fs::write(&file, "precious").expect("written");
    says(&["serve", "--sandbox", "--data-dir", text(&file)], "is a file");
    says(&["drill", "--sandbox", "--data-dir", text(&file.join("below"))], "is a file");
    assert_eq!(std::fs::read_to_string(&file).expect("kept"), "precious");
}

#[test]
fn a_data_dir_that_cannot_be_written_to_is_named() {
    // Not even root makes folders there.
    says(&["serve", "--sandbox", "--data-dir", "/proc/resilience"], "Can't write to the data dir");
}

#[test]
fn a_damaged_store_is_named_and_kept() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let store = dir.path().join("state.db");
    std::fs::write(&store, "this is no database, and long enough to be looked at".repeat(40)).expect("written");
    let before = std::fs::read(&store).expect("read");
    says(&["serve", "--sandbox", "--data-dir", text(dir.path())], "state.db is damaged");
    assert_eq!(std::fs::read(&store).expect("kept"), before);
}

#[test]
fn another_address_needs_a_certificate_that_can_be_used() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let data = dir.path().join("data");
    let serve = ["serve", "--sandbox", "--data-dir", text(&data), "--listen", "0.0.0.0:0"];
    says(&serve, "Give a certificate with --tls-cert and --tls-key");
    let missing = dir.path().join("missing.pem");
    let with = |more: &[&str], expected: &str| says(&[&serve[..], more].concat(), expected);
    with(&["--tls-cert", text(&missing)], "--tls-key");
    with(&["--tls-cert", text(&missing), "--tls-key", text(&missing)], "missing.pem: ");
    std::fs::write(&missing, "no certificate").expect("written");
    with(&["--tls-cert", text(&missing), "--tls-key", text(&missing)], "missing.pem has no valid certificate");
    assert!(!data.exists(), "nothing was begun");
}

#[test]
fn a_port_in_use_is_named() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    says(&["serve", "--sandbox", "--data-dir", text(dir.path()), "--listen", &address], "Can't listen on");
}

#[test]
fn a_report_that_could_not_be_written_is_refused_before_the_drill_begins() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let nowhere = dir.path().join("no/such/folder/report.json");
    says(
        &["drill", "--sandbox", "--data-dir", text(&dir.path().join("data")), "--json", text(&nowhere)],
        "Can't write the report",
    );
    assert!(!dir.path().join("data").exists(), "nothing was begun");
}

#[test]
fn verifying_where_nothing_is_says_so() {
    let dir = tempfile::tempdir().expect("a temp dir");
    says(&["verify", "core", "--data-dir", text(dir.path())], "has no deployment");
}

#[test]
fn help_and_readme_name_the_number_of_parallel_transfers_that_holds() {
    let default = resilience::domain::TransferLimit::default().parallel;
    let help = program(&["--help"]);
    let help = String::from_utf8_lossy(&help.stdout);
    let words: Vec<&str> = help.split_whitespace().collect();
    let said = words.join(" ");
    assert!(said.contains(&format!("as kept in Settings, else {default}]")), "{said}");
    let readme = include_str!("../../README.md");
    let line = readme.lines().find(|line| line.starts_with("| `--max-parallel-transfers")).expect("the option");
    assert!(line.ends_with(&format!("else {default} |")), "{line}");
}
