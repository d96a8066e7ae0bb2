//! Tables whose unreplicated commits could not be salvaged yet: their siblings go on, they are left as they are and tried again.

use crate::domain::{AssetName, ObjectError};
use crate::replicate::SalvageHold;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// A table of the old primary that could not be salvaged yet. Until it is, no cycle writes to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PendingSalvage {
    /// Where it lies there.
    pub location: String,
    /// Every name under which a cycle could touch it; with dots, because the record is kept as JSON.
    pub names: BTreeSet<String>,
    /// Why, as it is shown.
    pub error: ObjectError,
}

impl PendingSalvage {
    /// What a cycle has to know of it.
    pub fn hold(&self) -> SalvageHold {
        SalvageHold { names: self.names.iter().map(|name| AssetName::parse(name)).collect(), error: self.error.clone() }
    }
}
