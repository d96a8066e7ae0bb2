//! Passes between two workspaces in memory.

mod assets;
mod compare;
mod model;
mod objects;
mod way_back;
mod world;
