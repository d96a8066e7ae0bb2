//! Real servers, started once and ended with this process, however it ends.

use chrono::{DateTime, SecondsFormat, Utc};
use resilience::connect::{StorageHandle, StorageOptions, open_storage};
use resilience::delta::TableRoot;
use resilience::replicate::hand_out;
use resilience::wire::unity_catalog::{AwsCredentials, AzureSas, TemporaryCredentials};
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

const KEY_ID: &str = "resilience";
const SECRET: &str = "s3-hunter2";
const BUCKET: &str = "lake";
const ACCOUNT: &str = "devstoreaccount1";
/// Azurite's own, known to everybody.
const ACCOUNT_KEY: &str = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// An end that no test sees.
const FAR: &str = "2099-01-01T00:00:00Z";
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A bucket or container of a running server.
#[derive(Debug, Clone)]
pub struct Server {
    kind: Kind,
    pub port: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    S3,
    Azure,
}

/// A server's process: it ends when this process no longer holds its standard input.
struct Running(#[allow(dead_code)] Child);

static S3: OnceLock<Option<(Server, Running)>> = OnceLock::new();
static OTHER_S3: OnceLock<Option<(Server, Running)>> = OnceLock::new();
static AZURE: OnceLock<Option<(Server, Running)>> = OnceLock::new();

/// The first S3 store; None, and said so, where there is no server to be had.
pub fn s3() -> Option<Server> {
    S3.get_or_init(start_s3).as_ref().map(|(server, _)| server.clone())
}

/// Another S3 store, which knows nothing of the first one.
pub fn other_s3() -> Option<Server> {
    OTHER_S3.get_or_init(start_s3).as_ref().map(|(server, _)| server.clone())
}

/// The S3 store that a parent process started, at a port.
pub fn s3_at(port: u16) -> Server {
    Server { kind: Kind::S3, port }
}

/// The Azure store.
pub fn azure() -> Option<Server> {
    AZURE.get_or_init(start_azure).as_ref().map(|(server, _)| server.clone())
}

fn program(variable: &str, what: &str) -> Option<PathBuf> {
    let found = std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from);
    if found.is_none() {
        println!("did not run: {variable} names no {what}; packaging/test.sh installs one");
    }
    found
}

/// `count` neighbouring ports that are free, each with the one 10,000 above it, which SeaweedFS takes too.
fn free_ports(count: u16) -> u16 {
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let start = 11_000 + (std::process::id() % 900) as u16 * 10;
    (start..22_000)
        .step_by(usize::from(count))
        .find(|base| (*base..*base + count).all(|port| free(port) && free(port + 10_000)))
        .expect("free ports")
}

/// Runs a program that ends with this process, its folder removed after it.
fn run(folder: &Path, program: &Path, arguments: &[String]) -> Running {
    const SCRIPT: &str =
        r#"dir=$1; shift; "$@" >"$dir/log" 2>&1 & pid=$!; read -r _; kill -9 $pid; wait $pid; rm -rf "$dir""#;
    let mut command = Command::new("sh");
    command.args(["-c", SCRIPT, "server"]).arg(folder).arg(program).args(arguments);
    let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    Running(child.expect("a shell"))
}

fn folder() -> PathBuf {
    tempfile::Builder::new().prefix("resilience-store").tempdir().expect("a folder").keep()
}

/// One HTTP request, answered with the status; None while no one answers.
fn request(port: u16, method: &str, path: &str) -> Option<u16> {
    let mut line = TcpStream::connect(("127.0.0.1", port)).ok()?;
    line.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    let head =
        format!("{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    line.write_all(head.as_bytes()).ok()?;
    let mut answer = String::new();
    line.read_to_string(&mut answer).ok()?;
    answer.split_whitespace().nth(1)?.parse().ok()
}

fn wait_until(what: &str, log: &Path, ready: impl Fn() -> bool) {
    let begun = Instant::now();
    while !ready() {
        let said = std::fs::read_to_string(log).unwrap_or_default();
        assert!(begun.elapsed() < PATIENCE, "{what} did not come up; it said: {said}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn start_s3() -> Option<(Server, Running)> {
    let weed = program("STORES_WEED", "SeaweedFS program for the S3 store")?;
    // Both stores look for ports, so one after the other.
    static STARTING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _one = STARTING.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let folder = folder();
    let base = free_ports(4);
    let login = serde_json::json!({"identities": [{"name": "resilience",
        "credentials": [{"accessKey": KEY_ID, "secretKey": SECRET}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"]}]});
    std::fs::write(folder.join("s3.json"), login.to_string()).expect("a file");
    let shown = folder.display();
    let arguments = [
        "server".to_owned(),
        "-ip=127.0.0.1".to_owned(),
        "-ip.bind=127.0.0.1".to_owned(),
        format!("-dir={shown}"),
        format!("-master.port={base}"),
        format!("-volume.port={}", base + 1),
        "-filer".to_owned(),
        format!("-filer.port={}", base + 2),
        "-s3".to_owned(),
        format!("-s3.port={}", base + 3),
        "-s3.port.iceberg=0".to_owned(),
        "-s3.port.lance=0".to_owned(),
        format!("-s3.config={shown}/s3.json"),
        "-volume.max=20".to_owned(),
        "-master.volumeSizeLimitMB=256".to_owned(),
    ];
    let running = run(&folder, &weed, &arguments);
    let log = folder.join("log");
    // A bucket is a folder of the filer's.
    let made = || request(base + 2, "POST", &format!("/buckets/{BUCKET}/")).is_some_and(|status| status < 300);
    wait_until("SeaweedFS's filer", &log, made);
    let server = Server { kind: Kind::S3, port: base + 3 };
    wait_until("SeaweedFS's S3 gateway", &log, || {
        request(server.port, "GET", "/").is_some() && server.takes_a_put("resilience-is-it-up")
    });
    Some((server, running))
}

fn start_azure() -> Option<(Server, Running)> {
    let azurite = program("STORES_AZURITE", "Azurite program for the Azure store")?;
    let folder = folder();
    let port = TcpListener::bind(("127.0.0.1", 0)).and_then(|free| free.local_addr()).expect("a port").port();
    let arguments =
        ["--location", &folder.display().to_string(), "--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]
            .map(str::to_owned);
    let arguments: Vec<String> =
        arguments.into_iter().chain(["--skipApiVersionCheck".to_owned(), "--silent".to_owned()]).collect();
    let running = run(&folder, &azurite, &arguments);
    let path = format!("/{ACCOUNT}/{BUCKET}?restype=container&{}", signature(FAR));
    let made = || request(port, "PUT", &path).is_some_and(|status| status == 201 || status == 409);
    wait_until("Azurite", &folder.join("log"), made);
    Some((Server { kind: Kind::Azure, port }, running))
}

impl Server {
    /// The same store, reached through another port of this machine.
    pub fn through(&self, port: u16) -> Self {
        Self { port, ..self.clone() }
    }

    /// The URI of a table.
    pub fn uri(&self, prefix: &str) -> String {
        match self.kind {
            Kind::S3 => format!("s3://{BUCKET}/{prefix}"),
            Kind::Azure => format!("abfss://{BUCKET}@{ACCOUNT}.dfs.core.windows.net/{prefix}"),
        }
    }

    fn endpoint(&self) -> String {
        match self.kind {
            Kind::S3 => format!("http://127.0.0.1:{}", self.port),
            Kind::Azure => format!("http://127.0.0.1:{}/{ACCOUNT}", self.port),
        }
    }

    /// Credentials as a region vends them.
    pub fn credentials(&self) -> TemporaryCredentials {
        self.credentials_ending(FAR)
    }

    /// Those that end at a time, where the server knows such an end: Azure's do.
    pub fn credentials_until(&self, end: DateTime<Utc>) -> TemporaryCredentials {
        self.credentials_ending(&end.to_rfc3339_opts(SecondsFormat::Secs, true))
    }

    fn credentials_ending(&self, end: &str) -> TemporaryCredentials {
        match self.kind {
            Kind::S3 => TemporaryCredentials {
                aws_temp_credentials: Some(AwsCredentials {
                    access_key_id: KEY_ID.to_owned(),
                    secret_access_key: SECRET.into(),
                    session_token: None,
                }),
                ..TemporaryCredentials::default()
            },
            Kind::Azure => TemporaryCredentials {
                azure_user_delegation_sas: Some(AzureSas { sas_token: signature(end).into() }),
                ..TemporaryCredentials::default()
            },
        }
    }

    /// What an operator sets for a store that is not the provider's own.
    pub fn options(&self) -> StorageOptions {
        StorageOptions::new(self.pairs())
    }

    /// The same for several stores at once, with keys of the operator's own.
    pub fn options_with_keys(servers: &[&Self]) -> StorageOptions {
        let keys = servers.iter().flat_map(|server| match server.kind {
            Kind::S3 => [("aws_access_key_id", KEY_ID), ("aws_secret_access_key", SECRET)],
            Kind::Azure => [("azure_storage_account_name", ACCOUNT), ("azure_storage_account_key", ACCOUNT_KEY)],
        });
        let keys = keys.map(|(key, value)| (key.to_owned(), value.to_owned()));
        StorageOptions::new(servers.iter().flat_map(|server| server.pairs()).chain(keys))
    }

    fn pairs(&self) -> [(String, String); 4] {
        let endpoint = match self.kind {
            Kind::S3 => "aws_endpoint",
            Kind::Azure => "azure_endpoint",
        };
        let pairs = [
            (endpoint, self.endpoint()),
            ("aws_region", "us-east-1".to_owned()),
            ("allow_http", "true".to_owned()),
            // A line that stalls is noticed soon.
            ("read_timeout", "1s".to_owned()),
        ];
        pairs.map(|(key, value)| (key.to_owned(), value))
    }

    /// Opens a table's root as the product does.
    pub fn root(&self, prefix: &str) -> TableRoot {
        self.root_with(prefix, &self.credentials())
    }

    /// The same with other credentials.
    pub fn root_with(&self, prefix: &str, credentials: &TemporaryCredentials) -> TableRoot {
        let uri = self.uri(prefix);
        match open_storage(&uri, Some(credentials), &self.options()).expect("the store opens") {
            StorageHandle::Remote { store, prefix, home, keys } => {
                TableRoot::Remote { store, prefix, uri, home: Some(home), login: Some(hand_out(keys)) }
            }
            StorageHandle::Local(path) => panic!("{} is local", path.display()),
        }
    }

    /// What the independent reader is told to reach the store.
    pub fn reader_options(&self) -> serde_json::Value {
        match self.kind {
            Kind::S3 => serde_json::json!({"AWS_ENDPOINT_URL": self.endpoint(), "AWS_ACCESS_KEY_ID": KEY_ID,
                "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true"}),
            Kind::Azure => {
                serde_json::json!({"azure_storage_endpoint": self.endpoint(), "azure_storage_account_name": ACCOUNT,
                "azure_storage_account_key": ACCOUNT_KEY, "azure_allow_http": "true", "allow_http": "true"})
            }
        }
    }

    fn takes_a_put(&self, key: &str) -> bool {
        let TableRoot::Remote { store, prefix, .. } = self.root(key) else { return false };
        // On a thread of its own: a test already runs a runtime on this one.
        std::thread::scope(|scope| {
            let put = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                runtime.block_on(object_store::ObjectStoreExt::put(&*store, &prefix, "up".into())).is_ok()
            });
            put.join().unwrap_or(false)
        })
    }
}

/// A shared access signature for everything in the account.
fn signature(end: &str) -> String {
    use base64::Engine;
    let base64 = base64::engine::general_purpose::STANDARD;
    let (rights, services, types, version) = ("rwdlac", "b", "sco", "2019-12-12");
    let text = format!("{ACCOUNT}\n{rights}\n{services}\n{types}\n\n{end}\n\n\n{version}\n");
    let signed = base64.encode(hmac(&base64.decode(ACCOUNT_KEY).expect("a key"), text.as_bytes()));
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in
        [("sv", version), ("ss", services), ("srt", types), ("sp", rights), ("se", end), ("sig", &signed)]
    {
        query.append_pair(key, value);
    }
    query.finish()
}

fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    // The key is as long as a block.
    let padded = |with: u8| (0..64).map(|i| key.get(i).copied().unwrap_or(0) ^ with).collect::<Vec<u8>>();
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}
