//! What a region can do, line by line, found by asking: what works, what that means, and what mends it.
//!
//! No question leaves anything behind. What could be found out only by writing says so.

mod access;
mod assets;
mod catalog;
mod identity;

pub use identity::RegionIdentity;

use super::error::ConnectError;
use super::http::Call;
use super::region::ask_capabilities;
use super::rest::RegionClient;
use super::settings::ConnectSettings;
use serde::Serialize;
use serde_json::Value;

/// What a line says of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SheetMark {
    /// It works.
    Pass,
    /// Something works less well, or isn't there; replication goes on without it.
    Warn,
    /// Replication can't work like this.
    Fail,
}

impl SheetMark {
    /// As text names it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SheetLine {
    /// What it is about, such as `bindings`.
    pub topic: &'static str,
    /// How it stands.
    pub mark: SheetMark,
    /// What was found.
    pub finding: String,
    /// What follows from it; empty where everything works.
    pub consequence: String,
    /// What mends it; empty where nothing does, or nothing has to.
    pub remedy: String,
}

impl SheetLine {
    fn pass(topic: &'static str, finding: impl Into<String>) -> Self {
        let finding = finding.into();
        Self { topic, mark: SheetMark::Pass, finding, consequence: String::new(), remedy: String::new() }
    }

    fn warn(topic: &'static str, finding: impl Into<String>, consequence: &str, remedy: &str) -> Self {
        let (consequence, remedy) = (consequence.to_owned(), remedy.to_owned());
        Self { topic, mark: SheetMark::Warn, finding: finding.into(), consequence, remedy }
    }

    fn fail(topic: &'static str, finding: impl Into<String>, consequence: &str, remedy: &str) -> Self {
        Self { mark: SheetMark::Fail, ..Self::warn(topic, finding, consequence, remedy) }
    }
}

/// The capability sheet of a region.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CapabilitySheet {
    /// The region as the connection names it.
    pub region: String,
    /// The workspace's URL.
    pub url: String,
    /// Its lines.
    pub lines: Vec<SheetLine>,
}

impl CapabilitySheet {
    /// The worst of its lines.
    pub fn worst(&self) -> SheetMark {
        self.lines.iter().map(|line| line.mark).max().unwrap_or(SheetMark::Pass)
    }

    /// Asks a region everything. An error means that it isn't known at all: it doesn't respond, or refuses the login.
    pub async fn ask(settings: ConnectSettings) -> Result<Self, ConnectError> {
        let rest = RegionClient::new(settings)?;
        let mut lines = vec![identity::login(&rest).await?];
        let offered = ask_capabilities(&rest).await?;
        let (catalogs, sample) = catalog::catalogs(&rest).await?;
        lines.push(identity::metastore(&rest).await?);
        lines.push(catalogs);
        lines.extend(catalog::tables(&rest, &offered).await?);
        lines.extend(access::credentials(&rest, sample.as_ref()).await?);
        lines.extend(access::fences(&offered));
        lines.extend(assets::in_catalog(&rest).await?);
        lines.extend(assets::in_workspace(&rest).await?);
        lines.push(assets::ids(&offered));
        Ok(Self { region: rest.region().to_owned(), url: rest.transport.url().to_owned(), lines })
    }
}

/// How a call was answered, as far as a sheet wants to know.
enum Served {
    /// With an answer.
    Yes(Value),
    /// It is served, and refused for what was asked.
    Refused(ConnectError),
    /// A privilege is missing.
    Denied(ConnectError),
    /// There is no such call.
    No,
}

/// Sends a call; a region that is away or refuses the login is an error.
async fn served(rest: &RegionClient, call: Call) -> Result<Served, ConnectError> {
    match rest.transport.send::<Value>(call).await {
        Ok(answer) => Ok(Served::Yes(answer)),
        Err(error @ (ConnectError::Unreachable { .. } | ConnectError::Unauthenticated { .. })) => Err(error),
        Err(error) if error.is_not_served() => Ok(Served::No),
        Err(error) if error.is_permission_denied() => Ok(Served::Denied(error)),
        Err(error) => Ok(Served::Refused(error)),
    }
}

/// How many entries an answer lists under `key`.
fn count(answer: &Value, key: &str) -> usize {
    answer.get(key).and_then(Value::as_array).map_or(0, Vec::len)
}
