//! The proxies that are measured: each starts on a port of its own, and is switched by its own means.

use super::load::Client;
use crate::shared::Fault;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Which proxy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// This product's.
    Gateway,
    /// HAProxy, switched over its socket.
    Haproxy,
    /// nginx, switched by a new configuration and a reload.
    Nginx,
}

impl Kind {
    /// Its name in a line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Haproxy => "haproxy",
            Self::Nginx => "nginx",
        }
    }

    /// Those that are installed.
    pub fn installed() -> Vec<Self> {
        let runs = |program: &str| Command::new(program).arg("-v").output().is_ok();
        [(Self::Gateway, true), (Self::Haproxy, runs("haproxy")), (Self::Nginx, runs("nginx"))]
            .into_iter()
            .filter_map(|(kind, is_there)| is_there.then_some(kind))
            .collect()
    }
}

/// A child that ends with this.
pub struct Process {
    child: Child,
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
}

impl Process {
    fn start(command: &mut Command) -> Result<Self, Fault> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take(), child.stdout.take().map(BufReader::new));
        Ok(Self { child, input, output })
    }

    /// A process of the bench's own, and the port that it says.
    pub fn role(role: &str, told: &[&str]) -> Result<(Self, u16), Fault> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--role", role]).args(told.iter().flat_map(|word| ["--told", word]));
        let mut process = Self::start(&mut command)?;
        let port = process.line()?.trim().parse()?;
        Ok((process, port))
    }

    fn line(&mut self) -> Result<String, Fault> {
        let mut line = String::new();
        self.output.as_mut().ok_or("no output")?.read_line(&mut line)?;
        Ok(line)
    }

    fn tell(&mut self, words: &str) -> Result<String, Fault> {
        writeln!(self.input.as_mut().ok_or("no input")?, "{words}")?;
        self.line()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The two regions.
pub struct Regions {
    processes: [Option<Process>; 2],
    /// Where each listens.
    pub ports: [u16; 2],
}

impl Regions {
    /// Starts both.
    pub fn start() -> Result<Self, Fault> {
        let (east, east_port) = Process::role("region", &["east", "0"])?;
        let (west, west_port) = Process::role("region", &["west", "0"])?;
        Ok(Self { processes: [Some(east), Some(west)], ports: [east_port, west_port] })
    }

    /// Kills one at once.
    pub fn kill(&mut self, which: usize) {
        self.processes[which] = None;
    }
}

/// A proxy that runs.
pub struct Proxy {
    kind: Kind,
    process: Process,
    folder: PathBuf,
    ports: [u16; 2],
    /// Where it listens.
    pub port: u16,
    /// Where it leads: the first or the second region.
    leads_to: usize,
}

impl Proxy {
    /// Starts one that leads to the first region, and waits until it answers.
    pub async fn start(kind: Kind, regions: &Regions, dir: &Path) -> Result<Self, Fault> {
        let folder = dir.join(kind.name());
        fs::create_dir_all(&folder)?;
        let ports = regions.ports;
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let (process, port) = match kind {
            Kind::Gateway => Process::role("gateway", &[&ports[0].to_string(), &ports[1].to_string()])?,
            Kind::Haproxy => {
                let file = folder.join("haproxy.cfg");
                fs::write(&file, haproxy(port, ports, &folder))?;
                (Process::start(Command::new("haproxy").args(["-q", "-db", "-f"]).arg(file))?, port)
            }
            Kind::Nginx => {
                let file = folder.join("nginx.conf");
                fs::write(&file, nginx(port, ports[0], &folder))?;
                (Process::start(Command::new("nginx").args(["-g", "daemon off;", "-c"]).arg(file))?, port)
            }
        };
        let proxy = Self { kind, process, folder, ports, port, leads_to: 0 };
        for _ in 0..200 {
            if let Ok(mut client) = Client::connect(port).await
                && client.ask().await.unwrap_or(false)
            {
                return Ok(proxy);
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        Err(format!("{} does not answer", kind.name()).into())
    }

    /// Leads it to the other region; `forced` where the present one is dead. Answers that came late, where it counts them.
    pub fn switch(&mut self, forced: bool) -> Result<u64, Fault> {
        self.leads_to = 1 - self.leads_to;
        match self.kind {
            Kind::Gateway => Ok(self.process.tell(if forced { "forced" } else { "planned" })?.trim().parse()?),
            Kind::Haproxy => {
                let (new, old) = if self.leads_to == 0 { ("east", "west") } else { ("west", "east") };
                for line in [format!("set server b/{new} state ready\n"), format!("set server b/{old} state maint\n")] {
                    let mut socket = UnixStream::connect(self.folder.join("admin.sock"))?;
                    socket.write_all(line.as_bytes())?;
                    socket.read_to_string(&mut String::new())?;
                }
                Ok(0)
            }
            Kind::Nginx => {
                let file = self.folder.join("nginx.conf");
                fs::write(&file, nginx(self.port, self.ports[self.leads_to], &self.folder))?;
                Command::new("nginx").args(["-s", "reload", "-c"]).arg(file).status()?;
                Ok(0)
            }
        }
    }

    /// Bytes in memory, and open descriptors, of all its processes.
    pub fn size(&self) -> (u64, usize) {
        let own = self.process.child.id();
        let mut all = vec![own];
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let Some(id) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            if status.lines().any(|line| line.split_whitespace().eq(["PPid:", &own.to_string()])) {
                all.push(id);
            }
        }
        let pss = |id: &u32| {
            let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup")).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
            line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
        };
        let files = |id: &u32| fs::read_dir(format!("/proc/{id}/fd")).map_or(0, Iterator::count);
        (all.iter().map(pss).sum(), all.iter().map(files).sum())
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if self.kind == Kind::Nginx {
            // Its workers go with it only where it is asked to stop.
            let file = self.folder.join("nginx.conf");
            let _ = Command::new("nginx").args(["-s", "stop", "-c"]).arg(file).status();
            let _ = self.process.child.wait();
        }
    }
}

fn haproxy(port: u16, ports: [u16; 2], folder: &Path) -> String {
    format!(
        "global\n  maxconn 11000\n  no strict-limits\n  nbthread 2\n  stats socket {}/admin.sock mode 600 level admin\n\
         defaults\n  mode http\n  retries 3\n  option redispatch\n  timeout connect 3s\n  timeout client 120s\n  timeout server 60s\n  http-reuse safe\n\
         frontend f\n  bind 127.0.0.1:{port}\n  option forwardfor\n  default_backend b\n\
         backend b\n  server east 127.0.0.1:{}\n  server west 127.0.0.1:{} disabled\n",
        folder.display(),
        ports[0],
        ports[1]
    )
}

fn nginx(port: u16, upstream: u16, folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "worker_processes 2;\nworker_rlimit_nofile 20000;\npid {folder}/nginx.pid;\nerror_log {folder}/error.log crit;\n\
         events {{ worker_connections 15000; }}\n\
         http {{\n  access_log off;\n  keepalive_timeout 120s;\n  keepalive_requests 100000000;\n  client_max_body_size 0;\n  proxy_request_buffering off;\n  client_body_temp_path {folder}/body;\n  proxy_temp_path {folder}/proxy;\n\
         fastcgi_temp_path {folder}/f;\n  uwsgi_temp_path {folder}/u;\n  scgi_temp_path {folder}/s;\n\
         upstream b {{ server 127.0.0.1:{upstream}; keepalive 256; keepalive_requests 100000000; }}\n\
         server {{ listen 127.0.0.1:{port};\n  location / {{ proxy_pass http://b; proxy_http_version 1.1; proxy_set_header Connection \"\";\n\
         proxy_set_header X-Forwarded-For $remote_addr; }} }}\n}}\n"
    )
}
