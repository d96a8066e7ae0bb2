//! The kinds of asset that replicate, one file each. [`REPLICATED`] lists them in the order of the work.

mod catalog;
mod schema;
mod table;
mod view;

use super::engine::AssetType;

/// Containers come before what lies in them, and tables before the views that read them.
pub const REPLICATED: [&dyn AssetType; 4] = [&catalog::Catalogs, &schema::Schemas, &table::Tables, &view::Views];
