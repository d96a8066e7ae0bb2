//! The kinds of asset that replicate, one file each. [`REPLICATED`] lists them in the order of the work.

mod catalog;
mod function;
mod schema;
mod table;
mod view;
mod volume;

use super::engine::AssetType;

/// Containers come before what lies in them, and what views read before the views.
pub const REPLICATED: [&dyn AssetType; 6] =
    [&catalog::Catalogs, &schema::Schemas, &table::Tables, &volume::Volumes, &function::Functions, &view::Views];
