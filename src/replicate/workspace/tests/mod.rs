//! Passes between two workspaces in memory.

mod assets;
mod compare;
mod objects;
mod way_back;
mod world;
