//! One table that a cycle brings up to date.

use crate::domain::AssetKey;
use crate::wire::unity_catalog::TableInfo;

pub struct TableTask<'a> {
    /// Its full name, as the ledger knows it.
    pub name: String,
    pub key: &'a AssetKey,
    /// What the source's catalog says of it.
    pub info: &'a TableInfo,
    /// The print of what lies beside its commits, from before it is planned; None where it wasn't looked at.
    pub beside: Option<u64>,
}
