//! Design tokens: every colour, size and typeface of the window, light and dark.

mod fonts;
mod icons;
mod palette;
mod style;
mod type_scale;

pub use icons::Icon;
pub use palette::{DIMMED, Palette, Tone};
pub use style::{Density, ThemeChoice, apply_choices, install, metrics, palette, set_night, set_stale};
pub use type_scale::{Role, elide_middle, rich};

/// Distances, in points. Everything on screen stands a multiple of four apart.
pub mod space {
    /// Between an icon and its word.
    pub const XS: f32 = 4.0;
    /// Between things that belong together.
    pub const S: f32 = 8.0;
    /// Between the parts of one block.
    pub const M: f32 = 12.0;
    /// Inside a card.
    pub const L: f32 = 16.0;
    /// Between blocks.
    pub const XL: f32 = 24.0;
    /// Around a screen.
    pub const XXL: f32 = 32.0;
}

/// Corner radii, in points.
pub mod radius {
    /// Chips, checkboxes, small marks.
    pub const S: u8 = 4;
    /// Buttons and fields.
    pub const M: u8 = 6;
    /// Cards and dialogs.
    pub const L: u8 = 10;
}
