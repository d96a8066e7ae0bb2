//! What must hold for a failover group, line by line: what was checked, what a person has to confirm, and what to do.

use super::{Facts, FailoverGroupSpec, Timestamp, Topic, validate_spec};
use serde::{Deserialize, Serialize};

/// How a line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Readiness {
    Pass,
    /// Replication goes on, but something won't be as in the primary.
    Warn,
    Fail,
    /// No API tells it: a person has to look.
    Confirm,
}

/// Who confirmed a line, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    pub by: String,
    pub at: Timestamp,
}

/// One line of a readiness check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadinessLine {
    /// Its stable name, such as `mission_critical`.
    pub id: &'static str,
    pub status: Readiness,
    /// What was found.
    pub message: String,
    /// What to do; None where nothing is to be done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmed: Option<Confirmation>,
}

/// A whole check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReadinessReport {
    pub checked_at: Timestamp,
    pub lines: Vec<ReadinessLine>,
}

/// What no API tells, or not every region's: the line's name, what has to hold, and where to look.
pub const TO_CONFIRM: [(&str, &str, &str); 8] = [
    (
        "account_admin",
        "The person who sets this up is an account admin.",
        "Look under Account console › User management.",
    ),
    (
        "external_location_privileges",
        "The console's principal has ALL PRIVILEGES on the external locations of both regions, or is a metastore admin.",
        "Look at the external locations' permissions in each region.",
    ),
    ("same_cloud", "Both regions are on the same cloud.", "Look at the workspaces' URLs or at the account console."),
    (
        "same_account",
        "Both workspaces belong to the same account.",
        "Look under Account console › Workspaces: both must be listed there.",
    ),
    ("sso", "Single sign-on lets the same people into both workspaces.", "Look under Account console › Settings."),
    (
        "network",
        "Both workspaces reach the same sources, sinks and registries.",
        "Compare the network configurations of both workspaces.",
    ),
    (
        "private_link",
        "Private Link is set up alike in both workspaces, or in neither.",
        "Compare the private access settings of both workspaces.",
    ),
    (
        "encryption_keys",
        "Customer-managed keys of the secondary's region are in place where the primary uses such keys.",
        "Compare the encryption settings of both workspaces.",
    ),
];

fn line(id: &'static str, found: Vec<String>, good: String) -> ReadinessLine {
    let (status, message) = if found.is_empty() { (Readiness::Pass, good) } else { (Readiness::Fail, found.join(" ")) };
    ReadinessLine { id, status, message, remedy: None, confirmed: None }
}

/// A line that warns, or passes where there is nothing to warn of.
pub fn warning(id: &'static str, warning: Option<(String, String)>, good: &str) -> ReadinessLine {
    match warning {
        None => line(id, Vec::new(), good.to_owned()),
        Some((message, remedy)) => {
            ReadinessLine { id, status: Readiness::Warn, message, remedy: Some(remedy), confirmed: None }
        }
    }
}

/// A line of [`TO_CONFIRM`] that a region's API tells after all.
pub fn told(id: &'static str, remedy: &str, found: Result<String, String>) -> ReadinessLine {
    match found {
        Ok(message) => line(id, Vec::new(), message),
        Err(message) => ReadinessLine { remedy: Some(remedy.to_owned()), ..line(id, vec![message], String::new()) },
    }
}

/// A line of [`TO_CONFIRM`], as far as it was confirmed.
pub fn to_confirm((id, message, remedy): (&'static str, &str, &str), confirmed: Option<Confirmation>) -> ReadinessLine {
    let status = if confirmed.is_some() { Readiness::Pass } else { Readiness::Confirm };
    ReadinessLine { id, status, message: message.to_owned(), remedy: Some(remedy.to_owned()), confirmed }
}

/// The lines that the rules of a group decide. A rule says what to do in its own sentence.
pub fn lines_of_rules(spec: &FailoverGroupSpec, facts: &Facts) -> Vec<ReadinessLine> {
    let violations = validate_spec(spec, facts);
    let of = |topic: Topic| -> Vec<String> {
        violations.iter().filter(|v| v.topic == topic).map(|v| v.sentence.clone()).collect()
    };
    let (primary, secondary) = (&spec.initial_primary_region, spec.other_region(&spec.initial_primary_region));
    let answers = |region: &str, known: bool| {
        (!known).then(|| {
            format!("{region} doesn't respond, so its catalogs weren't checked. Check the region, then check again.")
        })
    };
    let has_catalogs = spec.unity_catalog_assets.is_some();
    let silent = [
        answers(primary.as_str(), facts.primary_catalogs.is_some() || !has_catalogs),
        answers(secondary.as_str(), facts.secondary_catalogs.is_some() || !has_catalogs),
    ];
    let locations = facts.locations.len();
    vec![
        line("regions_respond", silent.into_iter().flatten().collect(), "Both regions respond.".to_owned()),
        line("name", of(Topic::Name), "The name is free, or this group's own.".to_owned()),
        line("limits", of(Topic::Limits), "The account's limits of groups and catalogs leave room.".to_owned()),
        line("regions_differ", of(Topic::Regions), format!("{primary} and {secondary} are different regions.")),
        line("workspaces", of(Topic::Workspaces), "Each set has one workspace in each region.".to_owned()),
        line("mission_critical", of(Topic::MissionCritical), "Mission Critical is on in every workspace.".to_owned()),
        line("stable_urls", of(Topic::StableUrls), "The stable URLs are free, or this group's own.".to_owned()),
        line("catalogs", of(Topic::Catalogs), format!("{primary} has every catalog of the scope.")),
        line("no_clashing_catalog", of(Topic::Clashes), format!("{secondary} has no other catalog of these names.")),
        line(
            "storage_mappings",
            of(Topic::Mappings),
            format!("Each of {locations} locations is covered by exactly one mapping, in both directions."),
        ),
        line(
            "external_locations",
            of(Topic::ExternalLocations),
            format!("{secondary} has an external location with a credential for each mapped one."),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::DateTime;

    #[test]
    fn a_line_that_was_confirmed_passes_and_says_who_looked() {
        let by = Confirmation { by: "ada".to_owned(), at: DateTime::UNIX_EPOCH };
        assert_eq!(to_confirm(TO_CONFIRM[0], None).status, Readiness::Confirm);
        let line = to_confirm(TO_CONFIRM[0], Some(by.clone()));
        assert_eq!((line.status, line.confirmed), (Readiness::Pass, Some(by)));
    }
}
