//! `connect`: the regions of one's own that a data dir holds.

use super::common::{Common, DOES_NOT_HOLD, sentence};
use super::report::{writable, write_json};
use clap::{Args, Subcommand};
use resilience::connect::{CapabilitySheet, Secret, SheetMark};
use resilience::runtime::{Connections, LoginSource, NewConnection, NewLogin};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// Connects regions of your own: two workspaces or two Unity Catalogs make a deployment
#[derive(Debug, Args)]
pub struct Connect {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Adds a region, once it has answered and taken the login. A secret is never an argument
    Add(Box<Add>),
    /// Asks a region what it can do; writes nothing there
    ///
    /// Ends with 0 when every line passes or warns, with 1 when one fails, with 2 when the region doesn't respond.
    Test(Test),
    /// Lists the regions
    List(List),
    /// Forgets a region and its secret. The region itself isn't touched
    Remove(Remove),
}

#[derive(Debug, Args)]
struct Add {
    /// What to call it
    name: String,
    /// The workspace's or catalog's URL. Where a host serves several workspaces, with ?o= and the workspace's id
    #[arg(long, value_name = "URL")]
    host: Option<String>,
    /// The region's name, where it doesn't tell one
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// The workspace's id, where it doesn't tell one
    #[arg(long, value_name = "NUMBER")]
    workspace_id: Option<String>,
    #[command(flatten)]
    login: Login,
    /// A setting of the region's object stores that isn't secret, such as aws_endpoint=http://127.0.0.1:8333
    #[arg(long, value_name = "KEY=VALUE", value_parser = setting)]
    storage: Vec<(String, String)>,
    /// A file of such settings, one KEY=VALUE a line; they are kept as secrets
    #[arg(long, value_name = "FILE")]
    storage_file: Option<PathBuf>,
}

/// How to log in. The secret is the token, or with --client-id the OAuth secret.
#[derive(Debug, Args)]
#[group(multiple = true)]
struct Login {
    /// A profile of ~/.databrickscfg (or of DATABRICKS_CONFIG_FILE), which is read at every start
    #[arg(long, value_name = "NAME", conflicts_with_all = ["from_env", "no_login", "client_id", "secret_stdin", "secret_env", "secret_file"])]
    profile: Option<String>,
    /// The DATABRICKS_HOST, DATABRICKS_TOKEN, DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET of now
    #[arg(long, conflicts_with_all = ["no_login", "client_id", "secret_stdin", "secret_env", "secret_file"])]
    from_env: bool,
    /// Sends no login, for a catalog that needs none
    #[arg(long, conflicts_with_all = ["client_id", "secret_stdin", "secret_env", "secret_file"])]
    no_login: bool,
    /// A service principal's application id
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The account whose token endpoint is asked, where the host is an account's
    #[arg(long, value_name = "ID", requires = "client_id")]
    account_id: Option<String>,
    /// Reads the secret from standard input
    #[arg(long, conflicts_with_all = ["secret_env", "secret_file"])]
    secret_stdin: bool,
    /// Reads the secret from a variable
    #[arg(long, value_name = "VARIABLE", conflicts_with = "secret_file")]
    secret_env: Option<String>,
    /// Reads the secret from a file
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct Test {
    /// The region's connection
    name: String,
    /// Where the sheet is written as JSON; without it a table goes to standard output
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Args)]
struct List {
    /// Writes JSON to standard output
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Remove {
    /// The region's connection
    name: String,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (key, value) = text.split_once('=').ok_or("write KEY=VALUE")?;
    let key = key.trim().to_ascii_lowercase();
    if ["secret", "key", "token", "password", "sas", "credential"].iter().any(|word| key.contains(word)) {
        return Err(format!(
            "{key} is a secret, and arguments are seen by everybody. Put it in a file, and name that with --storage-file"
        ));
    }
    Ok((key, value.trim().to_owned()))
}

impl Login {
    fn read(self) -> Result<NewLogin, String> {
        if let Some(profile) = self.profile {
            return Ok(NewLogin::Profile(profile));
        }
        if self.from_env {
            return Ok(NewLogin::Variables);
        }
        if self.no_login {
            return Ok(NewLogin::None);
        }
        let secret = match (self.secret_stdin, self.secret_env, self.secret_file) {
            (true, _, _) => LoginSource::Stdin,
            (_, Some(name), _) => LoginSource::Variable(name),
            (_, _, Some(file)) => LoginSource::File(file),
            _ => {
                return Err("No login is given. Add one of --profile NAME, --from-env, --secret-stdin, --secret-env VARIABLE, --secret-file FILE or --no-login.".to_owned());
            }
        };
        Ok(match self.client_id {
            Some(client_id) => NewLogin::ClientCredentials { client_id, account_id: self.account_id, secret },
            None => NewLogin::Token(secret),
        })
    }
}

/// Does it; changing connections needs the data dir for itself.
pub async fn run(common: Common, connect: Connect) -> Result<ExitCode, String> {
    match connect.what {
        What::Add(new) => add(&common, *new).await,
        What::Remove(Remove { name }) => {
            let held = common.hold()?;
            let mut connections = Connections::load(held.path()).map_err(sentence)?;
            connections.remove(&name).map_err(sentence)?;
            eprintln!("Connection {name} is removed. Its region is unchanged.");
            Ok(ExitCode::SUCCESS)
        }
        What::List(List { json }) => list(&Connections::load(&common.data_dir()?).map_err(sentence)?, json),
        What::Test(test) => {
            let json = test.json;
            if let Some(file) = &json {
                writable(file)?;
            }
            let connections = Connections::load(&common.data_dir()?).map_err(sentence)?;
            let sheet = connections.test(&test.name).await.map_err(sentence)?;
            match &json {
                Some(file) => write_json(file, &sheet)?,
                None => print!("{}", text(&sheet)),
            }
            let holds = sheet.worst() != SheetMark::Fail;
            Ok(if holds { ExitCode::SUCCESS } else { ExitCode::from(DOES_NOT_HOLD) })
        }
    }
}

async fn add(common: &Common, new: Add) -> Result<ExitCode, String> {
    let login = new.login.read()?;
    let secret_storage = match &new.storage_file {
        Some(file) => {
            let text = std::fs::read_to_string(file).map_err(|e| format!("Can't read {}: {e}.", file.display()))?;
            storage_of(&text).ok_or_else(|| format!("{} has a line that isn't KEY=VALUE.", file.display()))?
        }
        None => BTreeMap::new(),
    };
    let held = common.hold()?;
    if held.sandbox().is_dir() {
        return Err(format!(
            "The data dir {} holds the sandbox, and a data dir holds one deployment. Name another with --data-dir.",
            held.path().display()
        ));
    }
    let mut connections = Connections::load(held.path()).map_err(sentence)?;
    let new = NewConnection {
        name: new.name,
        url: new.host,
        region: new.region,
        workspace_id: new.workspace_id,
        login,
        storage: new.storage.into_iter().collect(),
        secret_storage,
    };
    let added = connections.add(new).await.map_err(sentence)?;
    eprintln!(
        "Connected {}: region {}, workspace {}, {}. 'connect test {}' shows what it can do.",
        added.name,
        added.region,
        added.workspace_id,
        added.login(),
        added.name
    );
    Ok(ExitCode::SUCCESS)
}

fn storage_of(text: &str) -> Option<BTreeMap<String, Secret>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let (key, value) = line.split_once('=')?;
            Some((key.trim().to_ascii_lowercase(), Secret::from(value.trim())))
        })
        .collect()
}

fn list(connections: &Connections, json: bool) -> Result<ExitCode, String> {
    if json {
        let all: Vec<_> = connections
            .all()
            .iter()
            .map(|c| {
                serde_json::json!({"name": c.name, "url": c.url, "region": c.region, "workspace_id": c.workspace_id,
                    "metastore_id": c.metastore_id, "login": c.login()})
            })
            .collect();
        println!("{}", serde_json::to_string_pretty(&all).map_err(|e| e.to_string())?);
        return Ok(ExitCode::SUCCESS);
    }
    for c in connections.all() {
        println!("{}  {}  region {}  workspace {}  {}", c.name, c.url, c.region, c.workspace_id, c.login());
    }
    match connections.all().len() {
        0 => eprintln!("No region is connected. Add two with 'connect add NAME --host URL'."),
        1 => eprintln!("A deployment needs two regions. Add the other."),
        _ => {}
    }
    Ok(ExitCode::SUCCESS)
}

/// The sheet as a person reads it.
fn text(sheet: &CapabilitySheet) -> String {
    let mut text = format!("{} at {}\n\n", sheet.region, sheet.url);
    let width = sheet.lines.iter().map(|line| line.topic.len()).max().unwrap_or(0);
    for line in &sheet.lines {
        text.push_str(&format!("{:<4}  {:<width$}  {}\n", line.mark.word(), line.topic, line.finding));
        for more in [&line.consequence, &line.remedy].into_iter().filter(|more| !more.is_empty()) {
            text.push_str(&format!("{:<4}  {:<width$}  {more}\n", "", ""));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_no_argument() {
        assert_eq!(setting("AWS_Endpoint = http://x"), Ok(("aws_endpoint".to_owned(), "http://x".to_owned())));
        assert!(setting("aws_secret_access_key=x").is_err());
        assert!(setting("azure_storage_sas_token=x").is_err());
        assert!(setting("nonsense").is_err());
    }

    #[test]
    fn a_storage_file_is_read_line_by_line() {
        let read = storage_of("# keys\nAWS_ACCESS_KEY_ID = a\n\naws_secret_access_key=b=c\n").expect("it reads");
        assert_eq!(read.get("aws_secret_access_key").map(Secret::expose), Some("b=c"));
        assert_eq!(read.len(), 2);
        assert!(storage_of("nonsense").is_none());
    }
}
