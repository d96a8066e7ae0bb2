//! Who a region is: its login, its metastore and its workspace's id.

use super::ask::{Served, served};
use super::line::SheetLine;
use crate::connect::error::ConnectError;
use crate::connect::http::Call;
use crate::connect::rest::RegionClient;
use crate::connect::settings::ConnectSettings;
use crate::wire::unity_catalog::{MetastoreSummary, PREFIX};
use crate::wire::workspace::ME_PATH;

/// Who a region is, as far as it tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegionIdentity {
    /// The cloud's region, such as `eu-west-1`.
    pub region: Option<String>,
    /// The workspace's id, a number.
    pub workspace_id: Option<String>,
    /// The metastore's id.
    pub metastore_id: Option<String>,
}

impl RegionIdentity {
    /// Asks a region who it is. What it doesn't tell is None; a region that is away or refuses the login is an error.
    pub async fn ask(settings: ConnectSettings) -> Result<Self, ConnectError> {
        let rest = RegionClient::new(settings)?;
        login(&rest).await?;
        let told = |text: Option<String>| text.filter(|text| !text.is_empty());
        let mut found = match rest.metastore_summary().await {
            Ok(MetastoreSummary { region, metastore_id, .. }) => {
                Self { region: told(region), metastore_id: told(Some(metastore_id)), workspace_id: None }
            }
            Err(error) if error.is_unreachable() => return Err(error),
            Err(_) => Self::default(),
        };
        let assignment = match served(&rest, Call::get(PREFIX, &["current-metastore-assignment"])).await? {
            Served::Yes(answer) => answer,
            _ => serde_json::Value::Null,
        };
        let of = |key: &str| match assignment.get(key)? {
            serde_json::Value::Number(number) => Some(number.to_string()),
            serde_json::Value::String(text) => told(Some(text.clone())),
            _ => None,
        };
        found.metastore_id = found.metastore_id.or_else(|| of("metastore_id"));
        let number = |id: &String| id.parse::<i64>().is_ok();
        found.workspace_id = rest.transport.workspace_id().or_else(|| of("workspace_id")).filter(number);
        Ok(found)
    }
}

/// Whether the login is taken, and whose it is.
pub(super) async fn login(rest: &RegionClient) -> Result<SheetLine, ConnectError> {
    const TOPIC: &str = "login";
    Ok(match served(rest, Call::get(ME_PATH, &[])).await? {
        Served::Yes(me) => {
            let name = me.get("userName").or_else(|| me.get("displayName")).and_then(|name| name.as_str());
            SheetLine::pass(
                TOPIC,
                format!("The login is accepted as {}.", name.unwrap_or("a principal without a name")),
            )
        }
        Served::No => SheetLine::pass(TOPIC, "The region has no call that tells whose the login is; it answers."),
        Served::Refused(error) | Served::Denied(error) => SheetLine::warn(
            TOPIC,
            format!("It can't be told whose the login is. {error}"),
            "The audit log names the connection and no principal.",
            "",
        ),
    })
}

pub(super) async fn metastore(rest: &RegionClient) -> Result<SheetLine, ConnectError> {
    const TOPIC: &str = "metastore";
    Ok(match rest.metastore_summary().await {
        Ok(summary) => {
            let name = summary.name.as_deref().unwrap_or(&summary.metastore_id);
            let region = summary.region.as_deref().unwrap_or("a region that it doesn't tell");
            if summary.external_access_enabled == Some(false) {
                return Ok(SheetLine::warn(
                    TOPIC,
                    format!("Metastore {name} in {region} says that external data access is off."),
                    "A region that keeps to that gives no credentials for tables; the lines on credentials tell.",
                    "A metastore admin turns on External data access for the metastore in Catalog Explorer.",
                ));
            }
            SheetLine::pass(TOPIC, format!("Metastore {name} in {region}."))
        }
        Err(error @ (ConnectError::Unreachable { .. } | ConnectError::Unauthenticated { .. })) => return Err(error),
        Err(error) => SheetLine::warn(
            TOPIC,
            format!("The metastore doesn't describe itself. {error}"),
            "The region's name and managed storage root aren't known; only mapped places replicate.",
            "Give the region's name with connect add --region.",
        ),
    })
}
