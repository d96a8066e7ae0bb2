//! The type scale: what a text is for decides its face and size.

use super::fonts;
use eframe::egui::{FontFamily, FontId, RichText};

/// What a text is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// One figure that a screen is about.
    Figure,
    /// A figure beside others.
    FigureSmall,
    /// The units of a figure.
    Unit,
    /// A screen's title.
    Title,
    /// A card's or dialog's heading.
    Heading,
    /// Text.
    Body,
    /// Text that names something.
    Strong,
    /// Labels of fields and columns.
    Label,
    /// Notes.
    Small,
    /// Paths, ids and figures that tick, in running text.
    Mono,
    /// The same in notes and tables.
    MonoSmall,
}

impl Role {
    /// Face and size.
    pub fn font(self) -> FontId {
        match self {
            Self::Figure => FontId::new(28.0, fonts::mono_medium()),
            Self::FigureSmall => FontId::new(18.0, fonts::mono_medium()),
            Self::Unit => FontId::new(16.0, fonts::medium()),
            Self::Title => FontId::new(22.0, fonts::semibold()),
            Self::Heading => FontId::new(15.0, fonts::semibold()),
            Self::Body => FontId::new(14.0, FontFamily::Proportional),
            Self::Strong => FontId::new(14.0, fonts::medium()),
            Self::Label => FontId::new(12.5, fonts::medium()),
            Self::Small => FontId::new(12.5, FontFamily::Proportional),
            Self::Mono => FontId::new(13.0, FontFamily::Monospace),
            Self::MonoSmall => FontId::new(12.0, FontFamily::Monospace),
        }
    }
}

impl Role {
    /// The face of the role at another size, for screens that are read from afar.
    pub fn font_at(self, size: f32) -> FontId {
        FontId { size, ..self.font() }
    }

    /// Distance between lines; None leaves it to the face.
    fn line_height(self) -> Option<f32> {
        match self {
            Self::Body | Self::Strong => Some(20.0),
            Self::Small | Self::Label => Some(17.0),
            _ => None,
        }
    }
}

/// `text` set as `role` asks.
pub fn rich(role: Role, text: impl Into<String>) -> RichText {
    RichText::new(text).font(role.font()).line_height(role.line_height())
}

/// Cuts the middle out of `text` so that at most `max` characters stay: the ends of a path tell more than its start.
pub fn elide_middle(text: &str, max: usize) -> String {
    let count = text.chars().count();
    if count <= max || max < 5 {
        return text.to_owned();
    }
    let head = (max - 1) / 3;
    let tail = max - 1 - head;
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(count - tail).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_keeps_both_ends() {
        assert_eq!(elide_middle("file:///short", 20), "file:///short");
        let cut = elide_middle("file:///var/lib/resilience/regions/us-east-1/lake/sales", 30);
        assert_eq!(cut.chars().count(), 30);
        assert!(cut.starts_with("file:///v") && cut.ends_with("us-east-1/lake/sales"));
    }
}
