//! The colours, and the only file that may spell one.
//!
//! Text stands at 4.5:1 or better on every surface that it is drawn on, signs at 3:1; a test below checks it.
//! Status colours are Okabe and Ito's, adapted to each theme, and never the only sign.

#![allow(clippy::disallowed_methods)]

use eframe::egui::Color32;

/// What a colour says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Tone {
    /// Nothing to see: grey.
    Quiet,
    /// As it should be.
    Good,
    /// Something is under way.
    Busy,
    /// Look at it when you can.
    Warn,
    /// Needs a person now.
    Bad,
}

/// How much of the light is left on the wall display in the dark hours.
pub const DIMMED: f32 = 0.66;

/// One theme's colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Palette {
    /// Whether the theme is dark.
    pub dark: bool,
    /// Behind everything.
    pub canvas: Color32,
    /// The sidebar.
    pub sidebar: Color32,
    /// Cards.
    pub surface: Color32,
    /// Dialogs, menus and tooltips.
    pub raised: Color32,
    /// Text fields and wells.
    pub well: Color32,
    /// Hairlines.
    pub border: Color32,
    /// Outlines of what can be clicked.
    pub border_strong: Color32,
    /// Under the pointer.
    pub hover: Color32,
    /// Chosen.
    pub selected: Color32,
    /// Text that is read first.
    pub text: Color32,
    /// Text that explains.
    pub text_soft: Color32,
    /// Text that is read last; still 4.5:1.
    pub text_weak: Color32,
    /// Links, focus, chosen things.
    pub accent: Color32,
    /// The fill of the main button.
    pub accent_fill: Color32,
    /// Text on it.
    pub on_accent: Color32,
    /// The fill of a button that cannot be taken back.
    pub danger_fill: Color32,
    /// Text on it.
    pub on_danger: Color32,
    /// As it should be.
    pub good: Color32,
    /// Under way.
    pub busy: Color32,
    /// Look when you can.
    pub warn: Color32,
    /// Needs a person now.
    pub bad: Color32,
    /// Behind a dialog.
    pub backdrop: Color32,
    /// A dialog's shadow.
    pub shadow: Color32,
    /// Hatching over data that is too old.
    pub hatch: Color32,
}

const fn rgb(hex: u32) -> Color32 {
    Color32::from_rgb((hex >> 16) as u8, (hex >> 8) as u8, hex as u8)
}

/// Grey and dark.
pub const DARK: Palette = Palette {
    dark: true,
    canvas: rgb(0x131417),
    sidebar: rgb(0x0F1012),
    surface: rgb(0x1A1C20),
    raised: rgb(0x212429),
    well: rgb(0x111215),
    border: rgb(0x2A2D33),
    border_strong: rgb(0x3C4048),
    hover: rgb(0x24272C),
    selected: rgb(0x2A2E35),
    text: rgb(0xECEDEF),
    text_soft: rgb(0xB1B6BF),
    text_weak: rgb(0x959BA6),
    accent: rgb(0x56B4E9),
    accent_fill: rgb(0x2A72B5),
    on_accent: rgb(0xFFFFFF),
    danger_fill: rgb(0xB8430F),
    on_danger: rgb(0xFFFFFF),
    good: rgb(0x2FC79A),
    busy: rgb(0x56B4E9),
    warn: rgb(0xE69F00),
    bad: rgb(0xFF8A4C),
    backdrop: Color32::from_black_alpha(150),
    shadow: Color32::from_black_alpha(110),
    hatch: Color32::from_rgba_premultiplied(22, 22, 22, 0),
};

/// Paper.
pub const LIGHT: Palette = Palette {
    dark: false,
    canvas: rgb(0xF7F8F9),
    sidebar: rgb(0xEFF1F3),
    surface: rgb(0xFFFFFF),
    raised: rgb(0xFFFFFF),
    well: rgb(0xFFFFFF),
    border: rgb(0xE1E4E8),
    border_strong: rgb(0xC5CAD1),
    hover: rgb(0xF0F2F5),
    selected: rgb(0xE3E7EC),
    text: rgb(0x1A1D21),
    text_soft: rgb(0x454B54),
    text_weak: rgb(0x5D646F),
    accent: rgb(0x005A8C),
    accent_fill: rgb(0x00659C),
    on_accent: rgb(0xFFFFFF),
    danger_fill: rgb(0xA84300),
    on_danger: rgb(0xFFFFFF),
    good: rgb(0x00694D),
    busy: rgb(0x005A8C),
    warn: rgb(0x855600),
    bad: rgb(0xA84300),
    backdrop: Color32::from_black_alpha(80),
    shadow: Color32::from_black_alpha(40),
    hatch: Color32::from_black_alpha(12),
};

impl Palette {
    /// The colour of a sign or word in `tone`.
    pub fn tone(&self, tone: Tone) -> Color32 {
        match tone {
            Tone::Quiet => self.text_weak,
            Tone::Good => self.good,
            Tone::Busy => self.busy,
            Tone::Warn => self.warn,
            Tone::Bad => self.bad,
        }
    }

    /// A wash of `tone` over a card, thin enough that text on it keeps its contrast.
    pub fn wash(&self, tone: Tone) -> Color32 {
        mix(self.surface, self.tone(tone), if self.dark { 0.12 } else { 0.07 })
    }

    /// A hairline in `tone`.
    pub fn line(&self, tone: Tone) -> Color32 {
        mix(self.surface, self.tone(tone), if self.dark { 0.38 } else { 0.35 })
    }

    /// The area below a line in `tone`.
    pub fn area(&self, tone: Tone) -> Color32 {
        self.tone(tone).gamma_multiply(0.14)
    }

    /// The same palette without colour, for data that is too old to be believed.
    pub fn faded(&self) -> Palette {
        let grey = self.text_weak;
        Palette { good: grey, busy: grey, warn: grey, bad: grey, text: self.text_soft, ..*self }
    }
}

/// `share` of `over` on `under`, in gamma space as the eye expects it.
fn mix(under: Color32, over: Color32, share: f32) -> Color32 {
    let channel = |u: u8, o: u8| (f32::from(u) * (1.0 - share) + f32::from(o) * share).round() as u8;
    Color32::from_rgb(channel(under.r(), over.r()), channel(under.g(), over.g()), channel(under.b(), over.b()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn luminance(color: Color32) -> f64 {
        let linear = |channel: u8| {
            let c = f64::from(channel) / 255.0;
            if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(color.r()) + 0.7152 * linear(color.g()) + 0.0722 * linear(color.b())
    }

    fn contrast(a: Color32, b: Color32) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_can_be_read_on_every_surface() {
        let tones = [Tone::Quiet, Tone::Good, Tone::Busy, Tone::Warn, Tone::Bad];
        for palette in [DARK, LIGHT, DARK.faded(), LIGHT.faded()] {
            let surfaces = [
                palette.canvas,
                palette.sidebar,
                palette.surface,
                palette.raised,
                palette.well,
                palette.hover,
                palette.selected,
            ];
            for surface in surfaces {
                for text in [palette.text, palette.text_soft, palette.text_weak, palette.accent] {
                    assert!(contrast(text, surface) >= 4.5, "{text:?} on {surface:?}: {:.2}", contrast(text, surface));
                }
                for tone in tones {
                    let color = palette.tone(tone);
                    assert!(
                        contrast(color, surface) >= 4.5,
                        "{tone:?} on {surface:?}: {:.2}",
                        contrast(color, surface)
                    );
                }
            }
            for tone in tones {
                let wash = palette.wash(tone);
                for text in [palette.text, palette.text_soft, palette.tone(tone)] {
                    assert!(contrast(text, wash) >= 4.5, "{text:?} on {tone:?} wash: {:.2}", contrast(text, wash));
                }
            }
            assert!(contrast(palette.on_accent, palette.accent_fill) >= 4.5);
            assert!(contrast(palette.on_danger, palette.danger_fill) >= 4.5);
        }
    }

    #[test]
    fn every_sign_stands_out_from_what_it_is_drawn_on() {
        for palette in [DARK, LIGHT, DARK.faded(), LIGHT.faded()] {
            for tone in [Tone::Quiet, Tone::Good, Tone::Busy, Tone::Warn, Tone::Bad] {
                for under in [palette.canvas, palette.surface, palette.raised, palette.selected, palette.wash(tone)] {
                    let sign = palette.tone(tone);
                    assert!(contrast(sign, under) >= 3.0, "{tone:?} on {under:?}: {:.2}", contrast(sign, under));
                }
            }
            // The outline of what has the keyboard, and of what is chosen.
            for under in [palette.canvas, palette.sidebar, palette.surface, palette.raised] {
                assert!(contrast(palette.accent, under) >= 3.0);
            }
        }
    }

    #[test]
    fn the_wall_display_can_still_be_read_when_it_is_dimmed() {
        let dimmed = |over, under| mix(under, over, DIMMED);
        // It is dimmed in the dark palette only, and its letters are large.
        for palette in [DARK, DARK.faded()] {
            let tones = [Tone::Good, Tone::Busy, Tone::Warn, Tone::Bad].map(|tone| palette.tone(tone));
            for ink in tones.into_iter().chain([palette.text, palette.text_soft]) {
                for under in [palette.canvas, palette.hover, palette.wash(Tone::Bad), palette.wash(Tone::Warn)] {
                    let under = dimmed(under, palette.canvas);
                    let ink = dimmed(ink, under);
                    assert!(contrast(ink, under) >= 3.0, "{ink:?} on {under:?}: {:.2}", contrast(ink, under));
                }
            }
        }
    }
}
