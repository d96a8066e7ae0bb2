//! Official clients against the served API. `packaging/test.sh` makes their environment.

use rustix::process::{Pid, Signal, kill_process};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A served sandbox with 110 catalogs, and its ready line.
fn serve(data: &Path) -> (Server, String) {
    let child = Command::new(env!("CARGO_BIN_EXE_resilience-console"))
        .args(["serve", "--sandbox", "--sandbox-catalogs", "110", "--sandbox-commits-per-second", "0", "--data-dir"])
        .arg(data)
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .expect("the program starts");
    let mut server = Server(child);
    let mut line = String::new();
    let out = server.0.stdout.take().expect("piped");
    BufReader::new(out).read_line(&mut line).expect("a line");
    (server, line)
}

#[test]
fn the_official_python_sdk_finds_what_it_expects() {
    let Ok(python) = std::env::var("READER_PYTHON") else {
        let why = "READER_PYTHON names no Python with databricks-sdk; packaging/test.sh makes one";
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("not run: {why}");
        return;
    };
    let dir = tempfile::tempdir().expect("a temp dir");
    let (mut server, ready) = serve(&dir.path().join("data"));
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut client = Command::new(python);
    client.env("READY", ready.trim()).env("HOME", dir.path()).env("PYTHONDONTWRITEBYTECODE", "1");
    // A profile or variable of whoever runs this must not decide where the clients go.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DATABRICKS_")) {
        client.env_remove(name);
    }
    let status = client
        .args(["-m", "unittest", "discover", "--verbose", "--start-directory"])
        .arg(&tests)
        .status()
        .expect("Python starts");
    assert!(status.success(), "the SDK found something else; its output is above");
    kill_process(Pid::from_child(&server.0), Signal::TERM).expect("signalled");
    assert_eq!(server.0.wait().expect("it ends").code(), Some(0));
}

#[test]
fn schemathesis_finds_no_answer_outside_the_document() {
    let Ok(schemathesis) = std::env::var("SCHEMATHESIS") else {
        let why = "SCHEMATHESIS names no schemathesis; packaging/test.sh installs one";
        assert!(std::env::var_os("CI").is_none(), "{why}");
        eprintln!("not run: {why}");
        return;
    };
    let dir = tempfile::tempdir().expect("a temp dir");
    let (mut server, ready) = serve(&dir.path().join("data"));
    let facts: serde_json::Value = serde_json::from_str(&ready).expect("a ready line");
    let fact = |name: &str| facts[name].as_str().expect("a fact").to_owned();
    let token = std::fs::read_to_string(fact("token_file")).expect("read");
    let report = dir.path().join("report.json");
    let status = Command::new(schemathesis)
        .env("READY", ready.trim())
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .env("HYPOTHESIS_STORAGE_DIRECTORY", dir.path().join("hypothesis"))
        // The configuration names its hooks relative to itself.
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schema"))
        .args(["--config-file", "schemathesis.toml", "run", "--no-color", "--seed", "20261122"])
        .args(["--max-examples", "150", "--continue-on-failure", "--generation-database", "none"])
        .arg("--report-json-path")
        .arg(&report)
        .args(["--header", &format!("Authorization: Bearer {}", token.trim())])
        .arg(format!("{}/openapi.json", fact("api_url")))
        .status()
        .expect("schemathesis starts");
    let report = std::fs::read_to_string(report).expect("it wrote a report");
    let report: serde_json::Value = serde_json::from_str(&report).expect("a report in JSON");
    assert!(status.success(), "it found failures; its output is above: {}", report["failures"]);
    let cases = report["test_cases"]["generated"].as_u64().expect("a number of cases");
    assert!(cases >= 5_000, "{cases} cases are too few to say anything");
    let tested = &report["operations"];
    assert_eq!(tested["tested"], tested["total"], "every call of the document was tried");
    kill_process(Pid::from_child(&server.0), Signal::TERM).expect("signalled");
    assert_eq!(server.0.wait().expect("it ends").code(), Some(0));
}
