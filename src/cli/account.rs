//! `account`: another account's failover groups and stable URLs.

use super::common::{Common, sentence};
use clap::{Args, Subcommand};
use resilience::connect::AccountClient;
use resilience::wire::disaster_recovery::{FAILOVER_FORCED, FailoverGroupBody, FailoverRequest};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Another account's failover groups and stable URLs, through its account API; needs --account-url
///
/// Results are JSON on standard output, as the API spells them.
#[derive(Debug, Args)]
pub struct Account {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Lists the failover groups, each with its state and replication point
    List,
    /// Shows a failover group
    Show {
        /// The group
        group: String,
    },
    /// Creates a failover group
    Create {
        /// The group
        group: String,
        /// The group as JSON, as the API takes it
        #[arg(long, value_name = "FILE")]
        json: PathBuf,
        /// Only has it checked
        #[arg(long)]
        validate_only: bool,
    },
    /// Changes the fields of a failover group that the mask names
    Update {
        /// The group
        group: String,
        /// The fields, separated by commas, such as unity_catalog_assets.catalogs
        #[arg(long, value_name = "FIELDS")]
        mask: String,
        /// The group as JSON, with these fields
        #[arg(long, value_name = "FILE")]
        json: PathBuf,
        /// The etag that must still be the group's
        #[arg(long)]
        etag: Option<String>,
    },
    /// Deletes a failover group; its replica stays
    Delete {
        /// The group
        group: String,
        /// The etag that must still be the group's
        #[arg(long)]
        etag: Option<String>,
    },
    /// Forces a failover, the only kind that the account API publishes. Commits that didn't arrive are left behind
    FailOver {
        /// The group
        group: String,
        /// The region that becomes primary
        #[arg(long, value_name = "REGION")]
        to: String,
        /// The etag that must still be the group's
        #[arg(long)]
        etag: Option<String>,
    },
    /// Lists the stable URLs
    StableUrls,
    /// Creates a stable URL
    CreateStableUrl {
        /// The stable URL
        id: String,
        /// The workspace that it leads to first
        #[arg(long, value_name = "ID")]
        workspace_id: String,
    },
    /// Deletes a stable URL
    DeleteStableUrl {
        /// The stable URL
        id: String,
    },
}

/// Calls the account's API once.
pub async fn run(common: Common, account: Account) -> Result<ExitCode, String> {
    let source = common.account()?.ok_or("Name the account's API with --account-url.")?;
    let settings = source.settings().map_err(sentence)?;
    let client = AccountClient::connect(&settings, source.account_id.as_deref()).await.map_err(sentence)?;
    match account.what {
        What::List => print(&client.groups().await.map_err(sentence)?),
        What::Show { group } => print(&client.group(&group).await.map_err(sentence)?),
        What::Create { group, json, validate_only } => {
            print(&client.create_group(&group, &read(&json)?, validate_only).await.map_err(sentence)?)
        }
        What::Update { group, mask, json, etag } => {
            print(&client.update_group(&group, &mask, etag.as_deref(), &read(&json)?).await.map_err(sentence)?)
        }
        What::Delete { group, etag } => {
            client.delete_group(&group, etag.as_deref()).await.map_err(sentence)?;
            eprintln!("{group} is being deleted. Its replica stays.");
            Ok(ExitCode::SUCCESS)
        }
        What::FailOver { group, to, etag } => {
            let request = FailoverRequest {
                as_of: None,
                provisional_minutes: None,
                target_primary_region: to,
                failover_type: FAILOVER_FORCED.to_owned(),
                etag,
                accept_left_behind: None,
            };
            print(&client.fail_over(&group, &request).await.map_err(sentence)?)
        }
        What::StableUrls => print(&client.stable_urls().await.map_err(sentence)?),
        What::CreateStableUrl { id, workspace_id } => {
            print(&client.create_stable_url(&id, &workspace_id).await.map_err(sentence)?)
        }
        What::DeleteStableUrl { id } => {
            client.delete_stable_url(&id).await.map_err(sentence)?;
            eprintln!("{id} is deleted.");
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn read(file: &Path) -> Result<FailoverGroupBody, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("Can't read {}: {error}.", file.display()))?;
    serde_json::from_str(&text).map_err(|error| format!("{} is not a failover group: {error}.", file.display()))
}

fn print(answer: &impl Serialize) -> Result<ExitCode, String> {
    println!("{}", serde_json::to_string_pretty(answer).map_err(|error| error.to_string())?);
    Ok(ExitCode::SUCCESS)
}
