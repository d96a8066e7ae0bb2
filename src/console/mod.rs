//! The window: draws the newest snapshot, turns clicks into intents.
//!
//! It holds no lock, does no I/O and awaits nothing. A screen is a file in [`screens`]: its view model is plain data,
//! tested without pixels; its drawing is built of [`widgets`] and the tokens of [`theme`].

pub mod action;
pub mod app;
pub mod command;
mod dialogs;
pub mod first_run;
pub mod format;
pub mod notices;
pub mod palette;
pub mod preferences;
pub mod scene;
pub mod screens;
pub mod shell;
pub mod theme;
pub mod wall;
pub mod widgets;
pub mod window;

pub use app::{ConsoleApp, ConsoleLink};
pub use first_run::FirstRunHost;
pub use preferences::Preferences;
pub use window::{Waker, WindowError, open_first_run, open_window};
