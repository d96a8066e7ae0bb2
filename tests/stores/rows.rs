//! The rows of a table's newest version as a reader sees them that knows nothing of this project.

use super::servers::Server;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// Asserts that Python's `deltalake` reads the same rows from each of `replicas` as from the folder.
pub fn assert_same_rows(folder: &Path, replicas: &[(&Server, String)]) {
    let Some(python) = std::env::var_os("DELTA_PYTHON") else {
        println!("rows were not read: DELTA_PYTHON names no Python with deltalake; packaging/test.sh makes one");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance/read_rows.py");
    let mut input = format!("{}\n", folder.display());
    for (server, uri) in replicas {
        input.push_str(&serde_json::json!({"path": uri, "storage_options": server.reader_options()}).to_string());
        input.push('\n');
    }
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Python starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("the reader listens");
    let output = child.wait_with_output().expect("the reader ends");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(found.len(), replicas.len() + 1, "{text}");
    let ours = &found[0];
    assert!(ours["rows"].as_u64().is_some_and(|rows| rows > 0), "the reader cannot read the source: {ours}");
    for theirs in &found[1..] {
        assert_eq!((&ours["version"], &ours["digest"]), (&theirs["version"], &theirs["digest"]), "{ours} and {theirs}");
    }
}
