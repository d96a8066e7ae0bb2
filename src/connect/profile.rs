//! Logins as users of these APIs keep them: `~/.databrickscfg` profiles and `DATABRICKS_*` variables.
//!
//! Nothing here reads a file or the environment: the caller hands in the file's text and a lookup.

use super::settings::{Auth, ConnectSettings};
use super::storage::StorageOptions;
use crate::wire::Secret;
use std::collections::BTreeMap;
use std::fmt;

/// The profile that is meant when none is named.
pub const DEFAULT_PROFILE: &str = "DEFAULT";
/// The variable that names the profile.
pub const PROFILE_VARIABLE: &str = "DATABRICKS_CONFIG_PROFILE";
/// The variable that names the file; `~/.databrickscfg` where it isn't set.
pub const FILE_VARIABLE: &str = "DATABRICKS_CONFIG_FILE";

/// Keys of a file that are settings of the region's stores.
const STORAGE_PREFIX: &str = "storage.";

/// Each setting's key in a file and its variable.
const SETTINGS: [(&str, &str); 5] = [
    ("host", "DATABRICKS_HOST"),
    ("token", "DATABRICKS_TOKEN"),
    ("client_id", "DATABRICKS_CLIENT_ID"),
    ("client_secret", "DATABRICKS_CLIENT_SECRET"),
    ("account_id", "DATABRICKS_ACCOUNT_ID"),
];

/// What a profile and the environment say together.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Profile {
    values: BTreeMap<String, String>,
}

/// Shows which settings are there; values may be secrets.
impl fmt::Debug for Profile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

/// What is wrong with a profile.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProfileError {
    /// The file has no such section.
    #[error("The configuration file has no profile {profile:?}. It has: {known}. Name one of these.")]
    UnknownProfile {
        /// The profile asked for.
        profile: String,
        /// Those that are there, with commas; `none` when there are none.
        known: String,
    },
    /// A line that is neither a section, a setting nor a comment.
    #[error("Line {line} of the configuration file is neither [profile] nor key = value. Correct it.")]
    BadLine {
        /// The line's number, from 1.
        line: usize,
    },
    /// No workspace is named.
    #[error("No workspace URL is set. Set host in the profile or DATABRICKS_HOST.")]
    NoHost,
    /// No login is given, or half of one.
    #[error(
        "No complete login is set. Set token, or client_id and client_secret, in the profile or as DATABRICKS_ variables."
    )]
    NoLogin,
}

/// The names of a configuration file's profiles, in their order.
pub fn profile_names(file: &str) -> Result<Vec<String>, ProfileError> {
    Ok(sections(file)?.into_iter().map(|(name, _)| name).collect())
}

impl Profile {
    /// Reads a profile from the text of a configuration file, or the variables.
    ///
    /// A profile is meant when `name` or [`PROFILE_VARIABLE`] names one; then variables only add what it leaves open.
    /// Otherwise variables that say anything are all there is, and without them it is [`DEFAULT_PROFILE`].
    /// A login is never taken for another host than the one that stands beside it: that host would get the token.
    /// `variable` looks one variable up; an empty one counts as not set.
    pub fn read(
        file: Option<&str>,
        name: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, ProfileError> {
        let set = |key: &str| variable(key).map(|v| v.trim().to_owned()).filter(|v| !v.is_empty());
        let from_variables: BTreeMap<String, String> =
            SETTINGS.iter().filter_map(|(key, name)| Some(((*key).to_owned(), set(name)?))).collect();
        let asked_for = name.map(str::to_owned).or_else(|| set(PROFILE_VARIABLE));
        if asked_for.is_none() && !from_variables.is_empty() {
            return Ok(Self { values: from_variables });
        }
        let sections = file.map(sections).transpose()?.unwrap_or_default();
        let wanted = asked_for.as_deref().unwrap_or(DEFAULT_PROFILE);
        let found = sections.iter().find(|(name, _)| name == wanted).map(|(_, values)| values.clone());
        let mut values = match (found, asked_for) {
            (Some(values), _) => values,
            (None, None) => BTreeMap::new(),
            (None, Some(profile)) => {
                let known: Vec<_> = sections.iter().map(|(name, _)| name.as_str()).collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                return Err(ProfileError::UnknownProfile { profile, known });
            }
        };
        if !from_variables.contains_key("host") || !values.contains_key("host") {
            let has_login = ["token", "client_id", "client_secret"].iter().any(|key| values.contains_key(*key));
            for (key, value) in from_variables {
                if !has_login || matches!(key.as_str(), "host" | "account_id") {
                    values.entry(key).or_insert(value);
                }
            }
        }
        Ok(Self { values })
    }

    /// The workspace's or account's host.
    pub fn host(&self) -> Option<&str> {
        self.get("host")
    }

    /// The account's id.
    pub fn account_id(&self) -> Option<&str> {
        self.get("account_id")
    }

    /// What the region's stores need beyond what their URIs say: keys that begin with `storage.`, such as
    /// `storage.aws_endpoint`.
    pub fn storage(&self) -> StorageOptions {
        let named =
            |(key, value): (&String, &String)| Some((key.strip_prefix(STORAGE_PREFIX)?.to_owned(), value.clone()));
        StorageOptions::new(self.values.iter().filter_map(named))
    }

    /// How to log in: the token where there is one, else the client credentials.
    ///
    /// The account's own token endpoint is used where the host is an account's console.
    pub fn auth(&self) -> Result<Auth, ProfileError> {
        if let Some(token) = self.get("token") {
            return Ok(Auth::Token(Secret::from(token)));
        }
        match (self.get("client_id"), self.get("client_secret")) {
            (Some(client_id), Some(client_secret)) => Ok(Auth::ClientCredentials {
                client_id: client_id.to_owned(),
                client_secret: Secret::from(client_secret),
                account_id: self.account_id().filter(|_| self.is_account_host()).map(str::to_owned),
            }),
            _ => Err(ProfileError::NoLogin),
        }
    }

    /// Settings of a client for this profile, with the usual limits.
    pub fn settings(&self, region: impl Into<String>) -> Result<ConnectSettings, ProfileError> {
        let host = self.host().ok_or(ProfileError::NoHost)?;
        let auth = self.auth()?;
        Ok(ConnectSettings { auth, storage: self.storage(), ..ConnectSettings::new(region, host, Secret::default()) })
    }

    fn is_account_host(&self) -> bool {
        let host = self.host().unwrap_or_default();
        let host = host.split_once("://").map_or(host, |(_, rest)| rest);
        host.starts_with("accounts.") || host.starts_with("accounts-dod.")
    }

    fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// A profile's name and its settings.
type Section = (String, BTreeMap<String, String>);

/// Sections and their settings. A key that stands twice in a section has its last value; what stands before the first
/// section belongs to [`DEFAULT_PROFILE`].
fn sections(file: &str) -> Result<Vec<Section>, ProfileError> {
    let mut sections: Vec<Section> = Vec::new();
    for (index, line) in file.trim_start_matches('\u{feff}').lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            sections.push((name.trim().to_owned(), BTreeMap::new()));
            continue;
        }
        let (key, value) = line.split_once('=').ok_or(ProfileError::BadLine { line: index + 1 })?;
        if sections.is_empty() {
            sections.push((DEFAULT_PROFILE.to_owned(), BTreeMap::new()));
        }
        if let Some((_, values)) = sections.last_mut() {
            values.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\u{feff}; my logins
[DEFAULT]
host = https://dbc-1.example.com/
token = hunter2=

[account]
host=https://accounts.cloud.example.com
account_id = 11-22
client_id = app
client_secret = hunter3
";

    fn nothing(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn the_default_profile_is_read_when_none_is_named() {
        let profile = Profile::read(Some(FILE), None, nothing).expect("it is there");
        assert_eq!(profile.host(), Some("https://dbc-1.example.com/"));
        assert_eq!(profile.auth(), Ok(Auth::Token("hunter2=".into())));
        assert_eq!(profile_names(FILE), Ok(vec!["DEFAULT".to_owned(), "account".to_owned()]));
    }

    #[test]
    fn a_profile_with_a_secret_logs_in_at_its_account() {
        let by_name = Profile::read(Some(FILE), Some("account"), nothing).expect("it is there");
        let variable = |key: &str| (key == PROFILE_VARIABLE).then(|| "account".to_owned());
        assert_eq!(Profile::read(Some(FILE), None, variable), Ok(by_name.clone()));
        assert_eq!(
            by_name.auth(),
            Ok(Auth::ClientCredentials {
                client_id: "app".to_owned(),
                client_secret: "hunter3".into(),
                account_id: Some("11-22".to_owned()),
            })
        );
        assert!(!format!("{by_name:?} {:?}", by_name.settings("us-east-1")).contains("hunter"));
    }

    #[test]
    fn a_token_is_never_sent_to_a_host_from_elsewhere() {
        let host = |key: &str| (key == "DATABRICKS_HOST").then(|| "https://other.example.com".to_owned());
        let variables = Profile::read(Some(FILE), None, host).expect("variables are enough");
        assert_eq!(variables.host(), Some("https://other.example.com"));
        assert_eq!(variables.auth(), Err(ProfileError::NoLogin));

        let both = |key: &str| match key {
            "DATABRICKS_HOST" => Some("https://other.example.com".to_owned()),
            "DATABRICKS_TOKEN" => Some("hunter4".to_owned()),
            _ => None,
        };
        let named = Profile::read(Some("[work]\nhost = dbc-2.example.com"), Some("work"), both).expect("it is there");
        assert_eq!(named.host(), Some("dbc-2.example.com"));
        assert_eq!(named.auth(), Err(ProfileError::NoLogin));
    }

    #[test]
    fn a_profile_tells_what_its_regions_stores_need() {
        let text = "[lab]\nhost = dbc-3.example.com\ntoken = t\nstorage.AWS_Endpoint = http://127.0.0.1:8333\nstorage.aws_secret_access_key = hunter5";
        let settings = Profile::read(Some(text), Some("lab"), nothing).expect("it is there").settings("lab");
        let storage = settings.expect("a login").storage;
        let pairs = [("aws_endpoint", "http://127.0.0.1:8333"), ("aws_secret_access_key", "hunter5")];
        assert_eq!(storage, StorageOptions::new(pairs.map(|(key, value)| (key.to_owned(), value.to_owned()))));
        assert!(!format!("{storage:?}").contains("hunter5"));
    }

    #[test]
    fn a_token_may_be_kept_out_of_the_file() {
        let token = |key: &str| (key == "DATABRICKS_TOKEN").then(|| "hunter4".to_owned());
        let named = Profile::read(Some("[work]\nhost = dbc-2.example.com"), Some("work"), token).expect("it is there");
        assert_eq!(named.auth(), Ok(Auth::Token("hunter4".into())));
        let account = Profile::read(Some(FILE), Some("account"), token).expect("it is there");
        assert!(matches!(account.auth(), Ok(Auth::ClientCredentials { .. })), "a profile's own login stays");
    }

    #[test]
    fn variables_do_without_a_file() {
        let variable = |key: &str| match key {
            "DATABRICKS_HOST" => Some("dbc-1.example.com".to_owned()),
            "DATABRICKS_CLIENT_ID" => Some("app".to_owned()),
            "DATABRICKS_CLIENT_SECRET" => Some("hunter2".to_owned()),
            "DATABRICKS_ACCOUNT_ID" => Some("11-22".to_owned()),
            _ => None,
        };
        let auth = Profile::read(None, None, variable).expect("it is there").auth();
        assert!(matches!(auth, Ok(Auth::ClientCredentials { account_id: None, .. })), "a workspace's own endpoint");
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(
            Profile::read(Some(FILE), Some("work"), nothing).map_err(|error| error.to_string()),
            Err("The configuration file has no profile \"work\". It has: DEFAULT, account. Name one of these."
                .to_owned())
        );
        assert_eq!(Profile::read(Some("[a]\nhost"), None, nothing), Err(ProfileError::BadLine { line: 2 }));
        let empty = Profile::read(None, None, nothing).expect("nothing is no error yet");
        assert_eq!(empty.settings("r").map(|s| s.url), Err(ProfileError::NoHost));
        assert_eq!(empty.auth(), Err(ProfileError::NoLogin));
    }
}
