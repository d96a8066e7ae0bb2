//! The typefaces, compiled in, so that the window looks the same on every machine.

use eframe::egui::{FontData, FontDefinitions, FontFamily};
use std::sync::Arc;

const INTER: &[u8] = include_bytes!("../../../assets/fonts/Inter-Regular.otf");
const INTER_MEDIUM: &[u8] = include_bytes!("../../../assets/fonts/Inter-Medium.otf");
const INTER_SEMIBOLD: &[u8] = include_bytes!("../../../assets/fonts/Inter-SemiBold.otf");
const MONO: &[u8] = include_bytes!("../../../assets/fonts/JetBrainsMono-Regular.ttf");
const MONO_MEDIUM: &[u8] = include_bytes!("../../../assets/fonts/JetBrainsMono-Medium.ttf");

/// Inter at weight 500.
pub fn medium() -> FontFamily {
    FontFamily::Name("inter-medium".into())
}

/// Inter at weight 600.
pub fn semibold() -> FontFamily {
    FontFamily::Name("inter-semibold".into())
}

/// JetBrains Mono at weight 500.
pub fn mono_medium() -> FontFamily {
    FontFamily::Name("mono-medium".into())
}

/// Every face and the families that screens name; each falls back to the others' glyphs.
pub fn definitions() -> FontDefinitions {
    let mut fonts = FontDefinitions::empty();
    let faces = [
        ("inter", INTER),
        ("inter-medium", INTER_MEDIUM),
        ("inter-semibold", INTER_SEMIBOLD),
        ("mono", MONO),
        ("mono-medium", MONO_MEDIUM),
    ];
    for (name, bytes) in faces {
        fonts.font_data.insert(name.to_owned(), Arc::new(FontData::from_static(bytes)));
    }
    let families = [
        (FontFamily::Proportional, ["inter", "mono"]),
        (medium(), ["inter-medium", "mono"]),
        (semibold(), ["inter-semibold", "mono"]),
        (FontFamily::Monospace, ["mono", "inter"]),
        (mono_medium(), ["mono-medium", "inter"]),
    ];
    for (family, names) in families {
        fonts.families.insert(family, names.map(str::to_owned).to_vec());
    }
    fonts
}
