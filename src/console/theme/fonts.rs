//! The typefaces, compiled in, so that the window looks the same on every machine.
//!
//! They hold Latin, Greek and Cyrillic. For any other letter egui asks the font providers of its context; the window has one
//! that finds the machine's fonts (`system_font_fallback` in `window.rs`).

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

#[cfg(test)]
mod tests {
    use super::super::Role;
    use eframe::egui::epaint::text::FallbackRequest;
    use eframe::egui::{Context, FontFamily, RawInput};
    use std::collections::BTreeSet;
    use std::sync::{Arc, Mutex};

    #[test]
    fn letters_that_the_compiled_in_faces_lack_are_asked_of_the_machine_in_every_family() {
        let asked: Arc<Mutex<BTreeSet<(String, FontFamily)>>> = Arc::default();
        let (ctx, noted) = (Context::default(), asked.clone());
        super::super::install(&ctx);
        ctx.add_font_provider(Arc::new(move |request: &FallbackRequest<'_>| {
            noted.lock().expect("not poisoned").insert((request.cluster.to_owned(), request.family.clone()));
            None
        }));
        let roles = [Role::Figure, Role::Unit, Role::Title, Role::Body, Role::Strong, Role::Small, Role::Mono];
        let letters = ["日", "한", "ع", "ก", "\u{1f389}"];
        let mut output = ctx.run_ui(RawInput::default(), |ui| {
            for role in roles {
                ui.label(eframe::egui::RichText::new(format!("orders_1 {}", letters.join(" "))).font(role.font()));
            }
        });
        output.textures_delta.clear();
        let asked = asked.lock().expect("not poisoned");
        for role in roles {
            for letter in letters {
                let wanted = (letter.to_owned(), role.font().family);
                assert!(asked.contains(&wanted), "{letter} was not asked for in {:?}", wanted.1);
            }
        }
        assert!(asked.iter().all(|(cluster, _)| !cluster.is_ascii()), "what is compiled in needs no other font");
    }
}
