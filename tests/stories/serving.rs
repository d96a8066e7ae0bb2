//! Leaving it running on a server.

use super::support::program;
use serde_json::Value;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

struct Server(Child);

impl Server {
    fn start(data: &Path) -> (Self, Value) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_resilience-console"))
            .args(["serve", "--sandbox", "--sandbox-commits-per-second", "0", "--data-dir"])
            .arg(data)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        let ready = serde_json::from_str(&line).expect("the ready line is JSON");
        (Self(child), ready)
    }

    fn end(mut self) -> Option<i32> {
        let id = rustix::process::Pid::from_child(&self.0);
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("signalled");
        self.0.wait().expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn it_says_where_everything_is_keeps_its_ports_and_ends_with_0() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let data = dir.path().join("data");
    let (server, first) = Server::start(&data);
    let regions = first["regions"].as_array().expect("regions");
    assert_eq!(regions[0]["region"], "us-east-1");
    assert_eq!(regions[1]["region"], "us-west-2");
    for region in regions {
        for key in ["workspace_id", "metastore_id", "workspace_url", "token_file", "storage_root"] {
            assert!(region[key].as_str().is_some_and(|v| !v.is_empty()), "{key} of {region}");
        }
        assert!(region["storage_root"].as_str().is_some_and(|uri| uri.starts_with("file:///")));
    }
    for key in ["api_url", "account_id", "token_file", "gateway_url", "system_tables"] {
        assert!(first.get(key).is_some(), "{key} is missing in {first}");
    }
    assert!(first["gateway_url"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")), "{first}");
    assert_eq!(server.end(), Some(0));
    let (server, second) = Server::start(&data);
    assert_eq!(first["gateway_url"], second["gateway_url"], "stable URLs keep their address");
    assert_eq!(first["regions"], second["regions"], "ports and ids are remembered");
    assert_eq!(server.end(), Some(0));
}

#[test]
fn a_second_instance_on_its_data_dir_is_refused_and_the_first_goes_on() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let data = dir.path().join("data");
    let (server, _) = Server::start(&data);
    let path = data.to_str().expect("UTF-8");
    let second = program(&["serve", "--sandbox", "--data-dir", path]);
    assert_eq!(second.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&second.stderr).contains("Another instance is running"), "{second:?}");
    let asked = program(&["verify", "nobody", "--data-dir", path]);
    let said = String::from_utf8_lossy(&asked.stderr);
    assert_eq!(asked.status.code(), Some(2));
    assert!(said.contains("There is no failover group named nobody"), "the running instance answers: {said}");
    assert_eq!(server.end(), Some(0));
}
