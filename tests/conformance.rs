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
