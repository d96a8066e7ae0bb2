//! What every command shares: its options, its exit statuses, and starting the runtime.

use clap::Args;
use resilience::control::ControlSettings;
use resilience::delta::{CopyEngine, SparkOptions};
use resilience::domain::{Bandwidth, Clock, PARALLEL, SystemClock, parse_parallel};
use resilience::runtime::{AccountLogin, AccountSource, Connections, DataDir, Engine, EngineOptions, SandboxSource};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;

/// It ran and something does not hold.
pub const DOES_NOT_HOLD: u8 = 1;
/// It could not run.
pub const COULD_NOT_RUN: u8 = 2;

/// Options that every command takes.
#[derive(Debug, Clone, Args)]
pub struct Common {
    /// Where everything is kept [default: $XDG_DATA_HOME/resilience-console or ~/.local/share/resilience-console]
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Run on the embedded sandbox: two regions on this machine
    #[arg(long, global = true)]
    pub sandbox: bool,
    /// Managed tables that a new sandbox is seeded with
    #[arg(long, global = true, value_name = "N")]
    sandbox_tables: Option<usize>,
    /// Catalogs that a new sandbox is seeded with
    #[arg(long, global = true, value_name = "N")]
    sandbox_catalogs: Option<usize>,
    /// Commits a second of all the sandbox's jobs together; 0 writes nothing
    #[arg(long, global = true, value_name = "R", value_parser = rate)]
    sandbox_commits_per_second: Option<f64>,
    /// Where notifications are sent with a POST
    #[arg(long, global = true, value_name = "URL")]
    webhook: Option<String>,
    #[arg(long, global = true, value_name = "N", value_parser = parse_parallel, help = parallel_help())]
    max_parallel_transfers: Option<NonZeroUsize>,
    /// Bytes a second that all copies together may take, such as 50MiB/s [default: as kept in Settings, else no limit]
    #[arg(long, global = true, value_name = "RATE")]
    max_bandwidth: Option<Bandwidth>,
    /// Which program copies the files of big shipments: this one, or Spark
    #[arg(long, global = true, value_name = "ENGINE", value_parser = ["own", "spark"], default_value = "own")]
    copy_engine: String,
    /// The program that jobs are submitted with
    #[arg(long, global = true, value_name = "FILE", default_value = "spark-submit")]
    spark_submit: PathBuf,
    /// Where jobs run, such as local[4] or spark://host:7077
    #[arg(long, global = true, value_name = "MASTER", default_value = "local[*]")]
    spark_master: String,
    /// The Python of driver and executors, which has obstore [default: as Spark finds it]
    #[arg(long, global = true, value_name = "FILE")]
    spark_python: Option<PathBuf>,
    /// Further settings of Spark, passed on to it
    #[arg(long, global = true, value_name = "FILE")]
    spark_properties: Option<PathBuf>,
    /// Another account's API: the window, the wall display and 'account' are then clients of it, and nothing runs here
    #[arg(long, visible_alias = "url", global = true, value_name = "URL")]
    account_url: Option<String>,
    /// The account's id, where its host doesn't tell it
    #[arg(long = "account-api-id", global = true, value_name = "ID")]
    account_api_id: Option<String>,
    /// A file with a token of that account
    #[arg(long, global = true, value_name = "FILE", conflicts_with_all = ["account_client_file", "account_profile"])]
    account_token_file: Option<PathBuf>,
    /// A JSON file with client_id and client_secret of that account
    #[arg(long, global = true, value_name = "FILE", conflicts_with = "account_profile")]
    account_client_file: Option<PathBuf>,
    /// A profile of ~/.databrickscfg for that account; without any of these, the DATABRICKS_ variables
    #[arg(long, global = true, value_name = "NAME")]
    account_profile: Option<String>,
    /// The same seed gives the same names, schemas and rows
    #[arg(long, global = true, value_name = "S", default_value_t = 1)]
    sandbox_seed: u64,
}

fn parallel_help() -> String {
    format!("Files that are copied at a time, of all groups together [default: as kept in Settings, else {PARALLEL}]")
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && (0.0..=10_000.0).contains(&rate) => Ok(rate),
        _ => Err("give a number of commits a second from 0 to 10000".to_owned()),
    }
}

impl Common {
    /// The data dir, given or by default.
    pub fn data_dir(&self) -> Result<PathBuf, String> {
        if let Some(dir) = &self.data_dir {
            return Ok(dir.clone());
        }
        let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
        absolute("XDG_DATA_HOME")
            .or_else(|| absolute("HOME").map(|home| home.join(".local/share")))
            .map(|base| base.join("resilience-console"))
            .ok_or_else(|| "There is no home folder for the data. Name a folder with --data-dir.".to_owned())
    }

    /// The other account that is asked, where one is named.
    pub fn account(&self) -> Result<Option<AccountSource>, String> {
        let Some(url) = &self.account_url else { return Ok(None) };
        if self.sandbox {
            return Err(
                "--account-url names another account, and --sandbox runs one here. Leave one of them out.".to_owned()
            );
        }
        let login = match (&self.account_token_file, &self.account_client_file, &self.account_profile) {
            (Some(file), _, _) => AccountLogin::TokenFile(file.clone()),
            (_, Some(file), _) => AccountLogin::ClientFile(file.clone()),
            (_, _, Some(profile)) => AccountLogin::Profile(profile.clone()),
            _ => AccountLogin::Variables,
        };
        Ok(Some(AccountSource { url: url.clone(), account_id: self.account_api_id.clone(), login }))
    }

    /// Takes hold of the data dir.
    pub fn hold(&self) -> Result<DataDir, String> {
        DataDir::hold(&self.data_dir()?).map_err(sentence)
    }

    /// What the runtime starts with.
    pub fn engine(&self) -> EngineOptions {
        EngineOptions {
            sandbox: SandboxSource {
                tables: self.sandbox_tables,
                catalogs: self.sandbox_catalogs,
                commits_per_second: self.sandbox_commits_per_second,
                seed: self.sandbox_seed,
                ..SandboxSource::default()
            },
            control: ControlSettings {
                webhook: self.webhook.clone(),
                max_parallel_transfers: self.max_parallel_transfers,
                max_bandwidth: self.max_bandwidth,
                copy_engine: self.copy_engine(),
                ..ControlSettings::default()
            },
            ..EngineOptions::default()
        }
    }

    fn copy_engine(&self) -> CopyEngine {
        if self.copy_engine != "spark" {
            return CopyEngine::Own;
        }
        CopyEngine::Spark(SparkOptions {
            submit: self.spark_submit.clone(),
            master: self.spark_master.clone(),
            python: self.spark_python.clone(),
            properties: self.spark_properties.clone(),
        })
    }

    /// Whether the command line names the sandbox, so that a window doesn't have to ask.
    #[cfg(feature = "desktop")]
    pub fn wants_sandbox(&self) -> bool {
        self.sandbox
            || self.sandbox_tables.is_some()
            || self.sandbox_catalogs.is_some()
            || self.sandbox_commits_per_second.is_some()
    }

    /// Refuses a command that has nothing to run on: neither the sandbox nor two regions of one's own.
    pub fn needs_regions(&self, command: &str) -> Result<(), String> {
        let connected = Connections::load(&self.data_dir()?).map_err(sentence)?.all().len();
        match (self.sandbox, connected) {
            (true, 0) => Ok(()),
            (true, _) => Err(format!(
                "The data dir has regions of your own, and a data dir holds one deployment. Leave out --sandbox, or name another data dir for {command}."
            )),
            (false, 0) => Err(format!(
                "{command} has no regions to run on. Add --sandbox, or connect two regions with 'connect add'."
            )),
            (false, 1) => {
                Err(format!("{command} needs two regions, and one is connected. Add the other with 'connect add'."))
            }
            (false, _) => Ok(()),
        }
    }

    /// Refuses a command that only the sandbox can serve.
    pub fn needs_sandbox(&self, command: &str) -> Result<(), String> {
        self.needs_regions(command)?;
        if self.sandbox {
            return Ok(());
        }
        Err(format!(
            "{command} takes regions away and gives them back, which only the sandbox can. Add --sandbox and another data dir."
        ))
    }
}

/// An error with its causes, as one text.
pub fn sentence(error: impl std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(&format!(" ({cause_text})"));
        }
        source = cause.source();
    }
    text
}

/// Starts the runtime on the data dir, without the account API.
pub async fn start(common: &Common) -> Result<Engine, String> {
    start_with(common, common.engine()).await
}

/// Starts the runtime on the data dir.
pub async fn start_with(common: &Common, options: EngineOptions) -> Result<Engine, String> {
    Engine::start(common.hold()?, options, clock()).await.map_err(sentence)
}

/// The machine's clock.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}
