//! An emulator of a workspace with a catalog, as a process of its own.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A running emulator; it ends with this.
pub struct Minilake {
    pub url: String,
    child: Child,
    folder: tempfile::TempDir,
}

impl Drop for Minilake {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Minilake {
    /// A folder for external tables.
    pub fn folder(&self) -> PathBuf {
        self.folder.path().join("external")
    }

    pub fn external(&self) -> String {
        format!("file://{}", self.folder().display())
    }
}

/// What `variable` names, or the program in the environment that packaging/test.sh makes.
fn installed(variable: &str, usual: &str) -> Option<PathBuf> {
    let named = std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    let usual = Path::new(env!("CARGO_MANIFEST_DIR")).join("target").join(usual);
    named.or(Some(usual)).filter(|path| path.exists())
}

/// A Python with deltalake and DuckDB.
pub fn python() -> Option<PathBuf> {
    let found = installed("READER_PYTHON", "venv/bin/python");
    if found.is_none() {
        eprintln!("not run: READER_PYTHON names no Python with deltalake; packaging/test.sh makes one");
    }
    found
}

/// Starts an emulator; None, and the reason on standard error, where there is none.
pub async fn start() -> Option<Minilake> {
    let Some(program) = installed("MINILAKE", "venv-minilake/bin/minilake") else {
        eprintln!("not run: MINILAKE names no minilake; packaging/test.sh installs it");
        return None;
    };
    let folder = tempfile::tempdir().expect("a folder");
    let home = folder.path().join("home");
    for path in [&home, &folder.path().join("external")] {
        std::fs::create_dir_all(path).expect("a folder");
    }
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let child = Command::new(program)
        .args(["--host", "127.0.0.1", "--port", &port.to_string()])
        .current_dir(&home)
        .env("MINILAKE_DATA_DIR", &home)
        .env("MINILAKE_PERSIST", "1")
        .env("MINILAKE_NOTEBOOK", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let lake = Minilake { url: format!("http://127.0.0.1:{port}"), child, folder };
    let begun = Instant::now();
    let client = reqwest::Client::new();
    let asked = format!("{}/api/2.1/unity-catalog/metastore_summary", lake.url);
    while !client.get(&asked).send().await.is_ok_and(|answer| answer.status().is_success()) {
        assert!(begun.elapsed() < Duration::from_secs(60), "minilake doesn't answer");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    Some(lake)
}
