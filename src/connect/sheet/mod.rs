//! What a region can do, line by line, found by asking: what works, what that means, and what mends it.
//!
//! No question leaves anything behind. What could be found out only by writing says so.

mod access;
mod ask;
mod assets;
mod catalog;
mod identity;
mod line;

pub use identity::RegionIdentity;
pub use line::{SheetLine, SheetMark};

use super::error::ConnectError;
use super::region::ask_capabilities;
use super::rest::RegionClient;
use super::settings::ConnectSettings;
use serde::Serialize;

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
