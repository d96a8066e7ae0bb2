//! What screens are built of: each widget paints with the theme's tokens and has a name for screen readers.

pub mod banner;
pub mod button;
pub mod card;
pub mod chip;
pub mod chooser;
pub mod copy;
pub mod dialog;
pub mod field;
pub mod filter;
pub mod hatch;
pub mod progress;
pub mod sheet;
pub mod sparkline;
pub mod tabs;
pub mod text;

pub use banner::banner_ui;
pub use button::Button;
pub use card::{card_ui, section_ui};
pub use copy::{copy_ui, path_ui};
