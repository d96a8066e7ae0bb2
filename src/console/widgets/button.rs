//! Buttons: a main one, ordinary ones, quiet ones, and ones that cannot be taken back.

use crate::console::theme::{self, Icon, Palette, Role, radius, space};
use eframe::egui::{
    self, Color32, CornerRadius, CursorIcon, Response, Sense, Stroke, StrokeKind, Ui, Vec2, Widget, WidgetInfo,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Primary,
    Ordinary,
    Quiet,
    Danger,
}

/// A button.
#[must_use = "A button is drawn by `ui.add`."]
pub struct Button<'a> {
    text: &'a str,
    name: Option<&'a str>,
    icon: Option<Icon>,
    kind: Kind,
    enabled: bool,
    hint: Option<&'a str>,
    small: bool,
    min_width: f32,
}

impl<'a> Button<'a> {
    fn new(text: &'a str, kind: Kind) -> Self {
        Self { text, name: None, icon: None, kind, enabled: true, hint: None, small: false, min_width: 0.0 }
    }

    /// The one thing to do on a screen.
    pub fn primary(text: &'a str) -> Self {
        Self::new(text, Kind::Primary)
    }

    /// Something else to do.
    pub fn ordinary(text: &'a str) -> Self {
        Self::new(text, Kind::Ordinary)
    }

    /// Something to do that should not draw the eye.
    pub fn quiet(text: &'a str) -> Self {
        Self::new(text, Kind::Quiet)
    }

    /// Something that cannot be taken back.
    pub fn danger(text: &'a str) -> Self {
        Self::new(text, Kind::Danger)
    }

    /// An icon alone; `name` says what it does.
    pub fn icon_only(icon: Icon, name: &'a str) -> Self {
        let button = Self::new("", Kind::Quiet).icon(icon).name(name);
        Self { hint: Some(name), ..button }
    }

    /// Puts an icon before the text.
    pub fn icon(mut self, icon: Icon) -> Self {
        self.icon = Some(icon);
        self
    }

    /// The name for screen readers, where the text alone does not tell.
    pub fn name(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }

    /// Whether it can be pressed.
    pub fn enabled(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Shown on hover: what it does, or why it cannot be pressed.
    pub fn hint(mut self, hint: &'a str) -> Self {
        self.hint = Some(hint);
        self
    }

    /// Lower and with smaller text, for rows.
    pub fn small(mut self) -> Self {
        self.small = true;
        self
    }

    /// At least this wide.
    pub fn min_width(mut self, width: f32) -> Self {
        self.min_width = width;
        self
    }

    fn colors(&self, palette: &Palette, hovered: bool, down: bool) -> (Color32, Stroke, Color32) {
        let none = Stroke::NONE;
        if !self.enabled {
            return match self.kind {
                Kind::Quiet => (Color32::TRANSPARENT, none, palette.text_weak),
                _ => (palette.hover, Stroke::new(1.0, palette.border), palette.text_weak),
            };
        }
        let shade = |fill: Color32| if down || hovered { shade(palette, fill, down) } else { fill };
        match self.kind {
            Kind::Primary => (shade(palette.accent_fill), none, palette.on_accent),
            Kind::Danger => (shade(palette.danger_fill), none, palette.on_danger),
            Kind::Ordinary => {
                let fill = if down {
                    palette.selected
                } else if hovered {
                    palette.hover
                } else {
                    palette.surface
                };
                (fill, Stroke::new(1.0, palette.border_strong), palette.text)
            }
            Kind::Quiet => {
                let fill = if down {
                    palette.selected
                } else if hovered {
                    palette.hover
                } else {
                    Color32::TRANSPARENT
                };
                (fill, none, if hovered { palette.text } else { palette.text_soft })
            }
        }
    }
}

/// A fill under the pointer. It gets darker in both themes, so that the white text on it keeps its contrast.
fn shade(palette: &Palette, fill: Color32, down: bool) -> Color32 {
    let dark = if palette.dark { palette.canvas } else { palette.text };
    fill.lerp_to_gamma(dark, if down { 0.24 } else { 0.12 })
}

impl Widget for Button<'_> {
    fn ui(self, ui: &mut Ui) -> Response {
        let palette = theme::palette(ui);
        let role = if self.small { Role::Label } else { Role::Strong };
        let height = if self.small { 26.0 } else { theme::metrics(ui).control };
        let icon_size = if self.small { 15.0 } else { 17.0 };
        let pad = if self.text.is_empty() {
            (height - icon_size) / 2.0
        } else if self.small {
            10.0
        } else {
            space::M + 2.0
        };
        let gap = if self.icon.is_some() && !self.text.is_empty() { 6.0 } else { 0.0 };
        let icon_width = if self.icon.is_some() { icon_size } else { 0.0 };
        let galley = ui.painter().layout_no_wrap(self.text.to_owned(), role.font(), palette.text);
        let content = icon_width + gap + galley.size().x;
        let size = Vec2::new((content + 2.0 * pad).max(self.min_width), height);
        let sense = if self.enabled { Sense::click() } else { Sense::hover() };
        let (rect, response) = ui.allocate_exact_size(size, sense);
        let name = self.name.unwrap_or(self.text);
        let enabled = self.enabled && ui.is_enabled();
        response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, enabled, name));
        if ui.is_rect_visible(rect) {
            let (fill, stroke, text) = self.colors(&palette, response.hovered(), response.is_pointer_button_down_on());
            let corners = CornerRadius::same(radius::M);
            ui.painter().rect(rect, corners, fill, stroke, StrokeKind::Inside);
            focus_ring(ui, &response, rect);
            let left = rect.center().x - content / 2.0;
            if let Some(icon) = self.icon {
                let center = egui::pos2(left + icon_size / 2.0, rect.center().y);
                icon.paint(ui.painter(), center, icon_size, text);
            }
            let at = egui::pos2(left + icon_width + gap, rect.center().y - galley.size().y / 2.0);
            ui.painter().galley_with_override_text_color(at, galley, text);
        }
        let response = if enabled { response.on_hover_cursor(CursorIcon::PointingHand) } else { response };
        match self.hint {
            Some(hint) => response.on_hover_text(hint),
            None => response,
        }
    }
}

/// A word that leads somewhere, without a frame; `name` says where.
pub fn link_ui(ui: &mut Ui, text: &str, name: &str) -> Response {
    let palette = theme::palette(ui);
    let galley = ui.painter().layout_no_wrap(text.to_owned(), Role::Label.font(), palette.text_soft);
    let (rect, response) = ui.allocate_exact_size(galley.size(), Sense::click());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Link, true, name));
    let color = if response.hovered() { palette.text } else { palette.text_soft };
    ui.painter().galley_with_override_text_color(rect.min, galley, color);
    focus_ring(ui, &response, rect.expand(2.0));
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// The ring around what has the keyboard.
pub fn focus_ring(ui: &Ui, response: &Response, rect: egui::Rect) {
    if response.has_focus() {
        let palette = theme::palette(ui);
        ui.painter().rect_stroke(
            rect.expand(2.0),
            CornerRadius::same(radius::M + 2),
            Stroke::new(2.0, palette.accent),
            StrokeKind::Inside,
        );
    }
}
