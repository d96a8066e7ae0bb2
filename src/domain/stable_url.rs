//! A stable URL: an address that follows a failover group's primary.

use super::{GroupId, InvalidGroupId, WorkspaceId};
use serde::{Deserialize, Serialize};

/// A stable URL as the store keeps it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StableUrl {
    /// The short id.
    pub id: String,
    /// Its own id, a string of digits like a workspace's; it never changes.
    pub stable_workspace_id: String,
    /// The URL; it never changes.
    pub url: String,
    /// The workspace that it leads to while no group moves it.
    pub effective_workspace_id: WorkspaceId,
}

/// Says why a text isn't a stable URL id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidStableUrlId {
    /// Nothing was given.
    #[error("A stable URL needs an id. Give it one of up to 63 letters, digits, hyphens or underscores.")]
    Empty,
    /// More than 63 characters.
    #[error("The stable URL's id is {length} characters long. Shorten it to 63 or fewer.")]
    TooLong {
        /// Characters given.
        length: usize,
    },
    /// A character outside the alphabet, or a first character that isn't a letter or digit.
    #[error(
        "A stable URL's id can't contain {character:?} there. Use letters, digits, hyphens and underscores, and start with a letter or digit."
    )]
    BadCharacter {
        /// The first offending character.
        character: char,
    },
}

impl StableUrl {
    /// Checks a short id; the alphabet is that of failover groups.
    pub fn check_id(text: &str) -> Result<(), InvalidStableUrlId> {
        GroupId::new(text).map(|_| ()).map_err(|problem| match problem {
            InvalidGroupId::Empty => InvalidStableUrlId::Empty,
            InvalidGroupId::TooLong { length } => InvalidStableUrlId::TooLong { length },
            InvalidGroupId::BadCharacter { character } => InvalidStableUrlId::BadCharacter { character },
        })
    }

    /// The full resource name of the stable URL `id`, `accounts/{account}/stable-urls/{id}`.
    pub fn resource_name(account_id: &str, id: &str) -> String {
        format!("accounts/{account_id}/stable-urls/{id}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_says_what_is_wrong_with_it() {
        assert_eq!(StableUrl::check_id(""), Err(InvalidStableUrlId::Empty));
        assert_eq!(StableUrl::check_id("a/b"), Err(InvalidStableUrlId::BadCharacter { character: '/' }));
        assert_eq!(StableUrl::check_id("shop"), Ok(()));
        assert_eq!(StableUrl::resource_name("acc", "shop"), "accounts/acc/stable-urls/shop");
    }
}
