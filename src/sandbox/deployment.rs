//! The sandbox as a whole: made and seeded once, opened again, regions taken down and brought up.

use super::SandboxError;
use super::endpoint::{self, RegionEndpoint, RegionStatus, TableTruth};
use super::records::{Kind, Records};
use super::region::{Identity, Region, Sibling, Withheld};
use super::seed::{self, SeedPlan};
use super::server::{self, Server};
use super::workload::{self, Writers};
use super::writer::Committed;
use crate::delta::read_regular;
use crate::domain::{CatalogName, Clock, hex};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, Permissions};
use std::io::Write;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;
use url::Url;
use uuid::Uuid;

/// The two regions; the first one is seeded as the primary.
pub const REGIONS: [&str; 2] = ["us-east-1", "us-west-2"];
/// Key of the setting that remembers a region's port.
const PORT: &str = "port";
/// Key of the setting that says that a region was taken down.
const DOWN: &str = "down";
/// Holds what both regions share; written before anything else.
const ACCOUNT_FILE: &str = "account.json";

/// How a sandbox is made.
#[derive(Debug, Clone)]
pub struct SandboxOptions {
    /// The folder that holds it.
    pub dir: PathBuf,
    /// Managed tables in catalogs that can be replicated, in all, at least 12. None: the shaped ones.
    pub tables: Option<usize>,
    /// Catalogs that can be replicated, at least 3. None: 3.
    pub catalogs: Option<usize>,
    /// Commits a second of all jobs together; 0 for no writes at all. Counts at every start, the others only at the first.
    pub commits_per_second: f64,
    /// The same seed gives the same names, schemas, rows and order of commits.
    pub seed: u64,
    /// Whether the primary has every kind at least twice, and one of each that cannot be replicated, and the secondary
    /// none of the primary's jobs, but assets of its own. Counts only at the first start.
    pub every_kind: bool,
}

impl SandboxOptions {
    /// The usual sandbox in `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), tables: None, catalogs: None, commits_per_second: 4.0, seed: 1, every_kind: false }
    }
}

#[derive(Serialize, Deserialize)]
struct Account {
    made_in: PathBuf,
    account_id: String,
    /// Empty in an account that was made before there was one.
    #[serde(default)]
    account_token: String,
    plan: SeedPlan,
    regions: Vec<Identity>,
}

/// A region with its server.
pub(super) struct Place {
    pub region: Arc<Region>,
    pub port: u16,
    pub token_file: PathBuf,
    server: Mutex<Option<Server>>,
}

/// Two regions over HTTP, with storage on disk and jobs that write.
pub struct Sandbox {
    account_id: String,
    account_token_file: PathBuf,
    places: Vec<Place>,
    writers: Arc<Writers>,
    changes: watch::Sender<u64>,
    stop: watch::Sender<bool>,
    workload: JoinHandle<()>,
}

impl Sandbox {
    /// Starts the sandbox in `options.dir`, made and seeded at the first start.
    pub async fn start(options: SandboxOptions, clock: Arc<dyn Clock>) -> Result<Self, SandboxError> {
        let dir = options.dir.clone();
        let made = tokio::task::spawn_blocking(move || open(&options, &clock).map(|opened| (options, opened)));
        let (options, (account, regions)) = match made.await {
            Ok(result) => result?,
            Err(_) => return Err(SandboxError::TaskLost { task: "opening of the regions" }),
        };
        let account_token_file = dir.join("account.token");
        write_secret(&account_token_file, &account.account_token)?;
        let mut places = Vec::new();
        for region in regions {
            let token_file = dir.join(region.name()).join("admin.token");
            write_secret(&token_file, &region.identity.admin_token)?;
            places.push(place(region, token_file).await?);
        }
        let (stop, stopped) = watch::channel(false);
        let writers = Arc::new(Writers::new(account.plan.seed));
        let all = places.iter().map(|place| place.region.clone()).collect();
        let workload = tokio::spawn(workload::run(all, writers.clone(), options.commits_per_second, stopped));
        let (account_id, changes) = (account.account_id, watch::Sender::new(0));
        Ok(Self { account_id, account_token_file, places, writers, changes, stop, workload })
    }

    /// The account's id.
    pub fn account_id(&self) -> &str {
        &self.account_id
    }

    /// The file with the token of the admin's login at the account, which every region takes as real ones take an account
    /// login. Readable by its owner alone.
    pub fn account_token_file(&self) -> &Path {
        &self.account_token_file
    }

    /// How to reach each region, the seeded primary first.
    pub fn regions(&self) -> Vec<RegionEndpoint> {
        self.places.iter().map(endpoint::endpoint).collect()
    }

    /// How each region is doing.
    pub fn status(&self) -> Vec<RegionStatus> {
        self.places.iter().map(endpoint::status).collect()
    }

    /// Counts up whenever a region goes down or comes up.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn place(&self, region: &str) -> Result<&Place, SandboxError> {
        let found = self.places.iter().find(|place| place.region.name() == region);
        found.ok_or_else(|| SandboxError::UnknownRegion { region: region.to_owned() })
    }

    /// Takes a region off: connections are refused and cut, its jobs stand still. Lasts over a restart.
    pub async fn take_down(&self, region: &str) -> Result<(), SandboxError> {
        let place = self.place(region)?;
        let mut server = place.server.lock().await;
        store_setting(&place.region, DOWN, Some(&true)).await?;
        place.region.set_up(false);
        if let Some(server) = server.take() {
            server.stop().await;
        }
        // A job's commit that was being written ends first.
        let region = place.region.clone();
        let _ = tokio::task::spawn_blocking(move || drop(region.commit_gate.write())).await;
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }

    /// Cuts a region off: connections are refused and cut, while its jobs go on. Nothing of it is remembered.
    pub async fn cut_off(&self, region: &str) -> Result<(), SandboxError> {
        if let Some(server) = self.place(region)?.server.lock().await.take() {
            server.stop().await;
        }
        Ok(())
    }

    /// Lets a region that is down answer on its port again, while its jobs still stand still. Nothing of it is remembered.
    pub async fn reconnect(&self, region: &str) -> Result<(), SandboxError> {
        let place = self.place(region)?;
        let mut server = place.server.lock().await;
        if server.is_none() {
            let (listener, _) = server::bind(region, place.port).await?;
            *server = Some(Server::start(place.region.clone(), listener));
        }
        Ok(())
    }

    /// Brings a region back on its port; its jobs go on.
    pub async fn bring_up(&self, region: &str) -> Result<(), SandboxError> {
        self.reconnect(region).await?;
        let place = self.place(region)?;
        store_setting::<bool>(&place.region, DOWN, None).await?;
        place.region.set_up(true);
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }

    /// The managed tables of a region, also while it is down; of the given catalogs, or of all where none is given.
    pub async fn truth(&self, region: &str, catalogs: &[CatalogName]) -> Result<Vec<TableTruth>, SandboxError> {
        Ok(endpoint::truth(&self.place(region)?.region, catalogs))
    }

    /// Makes one commit to a table at once, as a job of the region does, whether one is due or not.
    pub async fn commit(&self, region: &str, table: &str) -> Result<Committed, SandboxError> {
        let (region, writers) = (self.place(region)?.region.clone(), self.writers.clone());
        let table = table.to_owned();
        let done = tokio::task::spawn_blocking(move || {
            let _gate = region.commit_gate.read();
            writers.commit(&region, &table)
        });
        done.await.unwrap_or(Err(SandboxError::TaskLost { task: "a commit" }))
    }

    /// Makes a region refuse credentials from now on, until it is told otherwise or started again.
    pub fn withhold(&self, region: &str, withheld: Withheld) -> Result<(), SandboxError> {
        self.place(region)?.region.withhold(withheld);
        Ok(())
    }

    /// Ends the jobs at a commit's boundary, then stops serving.
    pub async fn shutdown(self) {
        self.stop.send_replace(true);
        let _ = self.workload.await;
        for place in self.places {
            if let Some(server) = place.server.into_inner() {
                server.stop().await;
            }
        }
    }
}

/// Binds a region's port and serves it, unless it was taken down.
async fn place(region: Arc<Region>, token_file: PathBuf) -> Result<Place, SandboxError> {
    let known: Option<u16> = region.records.get(Kind::Setting, PORT);
    let down = region.records.get::<bool>(Kind::Setting, DOWN).unwrap_or(false);
    let (port, server) = match known {
        Some(port) if down => (port, None),
        _ => {
            let (listener, port) = server::bind(region.name(), known.unwrap_or_default()).await?;
            if known.is_none() {
                store_setting(&region, PORT, Some(&port)).await?;
            }
            (port, (!down).then(|| Server::start(region.clone(), listener)))
        }
    };
    region.set_up(server.is_some());
    Ok(Place { region, port, token_file, server: Mutex::new(server) })
}

async fn store_setting<T: Serialize + Copy + Send + 'static>(
    region: &Arc<Region>,
    key: &'static str,
    value: Option<&T>,
) -> Result<(), SandboxError> {
    let (region, value) = (region.clone(), value.copied());
    let done = tokio::task::spawn_blocking(move || {
        let mut writing = region.records.write();
        match value {
            Some(value) => writing.put(Kind::Setting, key, &value),
            None => writing.delete(Kind::Setting, key),
        }
        writing.commit()
    });
    done.await.unwrap_or(Err(SandboxError::TaskLost { task: "writing of a setting" }))
}

/// Opens the account and its regions; seeds what is not seeded.
fn open(options: &SandboxOptions, clock: &Arc<dyn Clock>) -> Result<(Account, Vec<Arc<Region>>), SandboxError> {
    std::fs::create_dir_all(&options.dir).map_err(SandboxError::disk("created", &options.dir))?;
    let dir = options.dir.canonicalize().map_err(SandboxError::disk("read", &options.dir))?;
    let account = account(options, &dir)?;
    let siblings: Vec<Sibling> = account
        .regions
        .iter()
        .map(|identity| Sibling {
            region: identity.region.clone(),
            workspace_id: identity.workspace_id,
            workspace_name: identity.workspace_name.clone(),
        })
        .collect();
    let mut regions = Vec::new();
    for (index, identity) in account.regions.iter().enumerate() {
        let folder = dir.join(&identity.region);
        std::fs::create_dir_all(&folder).map_err(SandboxError::disk("created", &folder))?;
        let records = Records::open(&folder.join("region.db"))?;
        let seeded = records.get::<bool>(Kind::Setting, seed::SEEDED).unwrap_or(false);
        let region = Region::new(
            identity.clone(),
            siblings.clone(),
            account.account_token.clone(),
            folder,
            records,
            clock.clone(),
        );
        if !seeded {
            seed::seed(&region, &account.plan, index == 0)?;
        }
        seed::complete(&region, index == 0)?;
        empty(&region.folder.join("tmp"))?;
        regions.push(Arc::new(region));
    }
    Ok((account, regions))
}

/// Removes what a killed writer left in the folder of unfinished commits.
fn empty(folder: &Path) -> Result<(), SandboxError> {
    std::fs::create_dir_all(folder).map_err(SandboxError::disk("created", folder))?;
    for entry in std::fs::read_dir(folder).map_err(SandboxError::disk("read", folder))?.flatten() {
        let _ = std::fs::remove_file(entry.path());
    }
    Ok(())
}

/// Reads the account, or makes one.
fn account(options: &SandboxOptions, dir: &Path) -> Result<Account, SandboxError> {
    let path = dir.join(ACCOUNT_FILE);
    match read_regular(&path, 1 << 20) {
        Ok(bytes) => {
            let mut account: Account = serde_json::from_slice(&bytes).map_err(|e| SandboxError::corrupt(&path, e))?;
            if account.made_in != dir {
                return Err(SandboxError::Moved { made_in: account.made_in });
            }
            if account.account_token.is_empty() {
                account.account_token = token("account");
                keep(&account, &path)?;
            }
            return Ok(account);
        }
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => return Err(SandboxError::disk("read", &path)(e)),
        Err(_) => {}
    }
    let account_id = Uuid::new_v4().to_string();
    let regions = REGIONS.iter().map(|name| identity(&account_id, name, dir)).collect::<Result<_, _>>()?;
    let plan = SeedPlan {
        tables: options.tables,
        catalogs: options.catalogs,
        seed: options.seed,
        every_kind: options.every_kind,
    };
    let account_token = token("account");
    let account = Account { made_in: dir.to_owned(), account_id, account_token, plan, regions };
    keep(&account, &path)?;
    Ok(account)
}

fn keep(account: &Account, path: &Path) -> Result<(), SandboxError> {
    let text = serde_json::to_string_pretty(account).map_err(|e| SandboxError::corrupt(path, e))?;
    write_secret(path, &text)
}

/// A token of 256 random bits.
fn token(kind: &str) -> String {
    format!("{kind}-{}", hex(&rand::random::<[u8; 32]>()))
}

fn identity(account_id: &str, region: &str, dir: &Path) -> Result<Identity, SandboxError> {
    let folder = dir.join(region);
    let storage = Url::from_directory_path(folder.join("storage"))
        .map_err(|()| SandboxError::corrupt(&folder, "its path cannot be written as a URI"))?;
    Ok(Identity {
        account_id: account_id.to_owned(),
        region: region.to_owned(),
        workspace_id: rand::random_range(1_000_000_000_000_000..9_000_000_000_000_000),
        workspace_name: format!("prod-{region}"),
        metastore_id: Uuid::new_v4().to_string(),
        admin_token: token("admin"),
        admin_name: "admin@example.com".to_owned(),
        replication_token: token("replication"),
        replication_name: "resilience-console".to_owned(),
        storage_root: storage.as_str().trim_end_matches('/').to_owned(),
    })
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_secret(path: &Path, text: &str) -> Result<(), SandboxError> {
    if std::fs::read(path).is_ok_and(|present| present == text.as_bytes()) {
        return Ok(());
    }
    let temporary = path.with_extension("new");
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
        file.set_permissions(Permissions::from_mode(0o600))?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&temporary, path)?;
        match path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    })();
    written.map_err(SandboxError::disk("written", path))
}
