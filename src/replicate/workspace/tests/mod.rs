//! Passes between two workspaces in memory.

mod assets;
mod objects;
mod way_back;
mod world;
