//! The engine and the kinds of asset, against two regions in memory that keep the real rules.

mod attributes;
mod cycles;
mod decisions;
mod drops;
mod in_schema;
mod location_grants;
mod model;
mod new_kind;
mod verify;
mod world;
