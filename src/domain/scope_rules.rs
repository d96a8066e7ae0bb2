//! What people decided about single objects of a group's scope.

use super::AssetName;
use serde::{Deserialize, Serialize};

/// Bytes that a rename may ship again without being asked about: 10 GiB.
pub const RENAME_LIMIT_BYTES: u64 = 10 << 30;

/// Decisions about single objects. Clients of the published API don't know them and leave them alone.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeRules {
    /// Full names of objects, and of schemas with all that lies in them, that were taken out of the scope by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<String>,
    /// New names of tables whose rename may be shipped again, whatever its size.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub approved_renames: Vec<String>,
    /// Bytes that renames may ship again without being asked about; None for [`RENAME_LIMIT_BYTES`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rename_limit_bytes: Option<u64>,
}

impl ScopeRules {
    /// Whether an object was taken out of the scope, itself or with what it lies in.
    pub fn excludes(&self, name: &AssetName) -> bool {
        if self.excluded.is_empty() {
            return false;
        }
        let mut with_above = std::iter::successors(Some(name.clone()), AssetName::parent);
        with_above.any(|name| self.excluded.iter().any(|known| AssetName::parse(known) == name))
    }

    pub fn approves(&self, new_name: &AssetName) -> bool {
        self.approved_renames.iter().any(|known| AssetName::parse(known) == *new_name)
    }

    pub fn rename_limit(&self) -> u64 {
        self.rename_limit_bytes.unwrap_or(RENAME_LIMIT_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_in_an_excluded_schema_is_excluded_in_any_spelling() {
        let excluded = vec!["main.hr".to_owned(), "main.sales.Orders".to_owned()];
        let rules = ScopeRules { excluded, ..ScopeRules::default() };
        let excludes = |name: &str| rules.excludes(&AssetName::parse(name));
        assert!(["main.hr", "MAIN.HR.people", "main.sales.orders"].into_iter().all(excludes));
        assert!(!["main", "main.sales", "main.hrx.people", "main.sales.orders2"].into_iter().any(excludes));
    }
}
