//! Form fields: a label, the field, what is wrong with it.

use super::text;
use crate::console::theme::{self, Icon, Role, Tone, radius, rich, space};
use eframe::egui::{
    self, Color32, CornerRadius, CursorIcon, Id, Margin, Rect, Response, Sense, Stroke, StrokeKind, TextEdit, Ui, Vec2,
    WidgetInfo,
};

/// A field's label; the id that names the field.
pub fn label_ui(ui: &mut Ui, label: &str) -> Id {
    let palette = theme::palette(ui);
    ui.label(rich(Role::Label, label).color(palette.text_soft)).id
}

/// A line of text to type into, as wide as the space that is left.
pub fn text_ui(ui: &mut Ui, label: Id, value: &mut String, hint: &str, mono: bool, wrong: bool) -> Response {
    let palette = theme::palette(ui);
    let height = theme::metrics(ui).control;
    let role = if mono { Role::Mono } else { Role::Body };
    let width = ui.available_width();
    ui.scope(|ui| {
        if wrong {
            let widgets = &mut ui.visuals_mut().widgets;
            for state in [&mut widgets.inactive, &mut widgets.hovered] {
                state.bg_stroke = Stroke::new(1.0, palette.bad);
            }
        }
        ui.add(
            TextEdit::singleline(value)
                .font(role.font())
                .desired_width(width)
                .min_size(Vec2::new(0.0, height))
                .align(egui::Align2::LEFT_CENTER)
                .margin(Margin::symmetric(10, 4))
                .hint_text(rich(role, hint).color(palette.text_weak)),
        )
        .labelled_by(label)
    })
    .inner
}

/// A line for a secret, whose letters aren't shown.
pub fn secret_ui(ui: &mut Ui, label: Id, value: &mut String) -> Response {
    hidden_ui(ui, value).labelled_by(label)
}

/// A line for a secret without a visible label; `name` names it.
pub fn named_secret_ui(ui: &mut Ui, name: &str, value: &mut String) -> Response {
    hidden_ui(ui, value).accessible_name(name)
}

fn hidden_ui(ui: &mut Ui, value: &mut String) -> Response {
    let (height, width) = (theme::metrics(ui).control, ui.available_width());
    ui.add(
        TextEdit::singleline(value)
            .password(true)
            .font(Role::Mono.font())
            .desired_width(width)
            .min_size(Vec2::new(0.0, height))
            .align(egui::Align2::LEFT_CENTER)
            .margin(Margin::symmetric(10, 4)),
    )
}

/// A line of text without a visible label; `name` names it.
pub fn named_text_ui(ui: &mut Ui, name: &str, value: &mut String, hint: &str) -> Response {
    let palette = theme::palette(ui);
    let role = Role::Body;
    let width = ui.available_width();
    ui.add(
        TextEdit::singleline(value)
            .font(role.font())
            .desired_width(width)
            .min_size(Vec2::new(0.0, theme::metrics(ui).control))
            .align(egui::Align2::LEFT_CENTER)
            .margin(Margin::symmetric(10, 4))
            .hint_text(rich(role, hint).color(palette.text_weak)),
    )
    .accessible_name(name)
}

/// A path to type; while no one types, its middle is cut so that both ends can be read.
pub fn path_text_ui(ui: &mut Ui, name: &str, value: &mut String, hint: &str) -> Response {
    let palette = theme::palette(ui);
    let id = ui.scope_id().with(name);
    let width = ui.available_width();
    let font = Role::MonoSmall.font();
    let character = ui.fonts_mut(|fonts| fonts.glyph_width(&font, '0')).max(1.0);
    let shown = theme::elide_middle(value, ((width - 20.0) / character) as usize);
    let cut = shown != *value && !ui.memory(|memory| memory.has_focus(id));
    let response = ui.add(
        TextEdit::singleline(value)
            .id(id)
            .font(font)
            .desired_width(width)
            .min_size(Vec2::new(0.0, theme::metrics(ui).control))
            .align(egui::Align2::LEFT_CENTER)
            .margin(Margin::symmetric(10, 4))
            .text_color_opt(cut.then_some(Color32::TRANSPARENT))
            .hint_text(rich(Role::MonoSmall, hint).color(palette.text_weak)),
    );
    if cut {
        let place = response.rect.shrink2(Vec2::new(10.0, 0.0));
        text::paint(ui, place, egui::Align2::LEFT_CENTER, Role::MonoSmall, palette.text, &shown);
        return response.accessible_name(name).on_hover_text(value.as_str());
    }
    response.accessible_name(name)
}

/// A search field with its icon; `name` says what it searches.
pub fn search_ui(ui: &mut Ui, name: &str, value: &mut String, width: f32) -> Response {
    let palette = theme::palette(ui);
    let height = 30.0;
    let response = ui.add(
        TextEdit::singleline(value)
            .font(Role::Body.font())
            .desired_width(width)
            .min_size(Vec2::new(0.0, height))
            .align(egui::Align2::LEFT_CENTER)
            .margin(Margin { left: 30, right: 10, top: 4, bottom: 4 })
            .hint_text(rich(Role::Body, name).color(palette.text_weak)),
    );
    let at = egui::pos2(response.rect.left() + 16.0, response.rect.center().y);
    Icon::Search.paint(ui.painter(), at, 16.0, palette.text_weak);
    response.accessible_name(name)
}

/// What is wrong, a sentence a line.
pub fn problems_ui<'a>(ui: &mut Ui, sentences: impl IntoIterator<Item = &'a str>) {
    let palette = theme::palette(ui);
    for sentence in sentences {
        ui.horizontal_top(|ui| {
            ui.spacing_mut().item_spacing.x = 6.0;
            ui.vertical(|ui| {
                ui.set_width(15.0);
                ui.add_space(1.0);
                text::icon_ui(ui, Icon::Bad, 15.0, palette.bad);
            });
            ui.add(egui::Label::new(rich(Role::Small, sentence).color(palette.bad)).wrap());
        });
    }
}

/// What a checkbox shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tick {
    /// Empty.
    Off,
    /// In part.
    Part,
    /// Whole.
    On,
}

/// Paints a checkbox.
pub fn paint_tick(ui: &Ui, rect: Rect, tick: Tick, enabled: bool, hovered: bool) {
    let palette = theme::palette(ui);
    let (fill, outline) = match (tick, enabled) {
        (Tick::Off, true) => {
            (palette.well, if hovered { palette.text_soft } else { palette.text_weak.gamma_multiply(0.8) })
        }
        (Tick::Off, false) => (palette.hover, palette.border_strong),
        (_, true) => (palette.accent_fill, palette.accent_fill),
        (_, false) => (palette.border_strong, palette.border_strong),
    };
    ui.painter().rect(rect, CornerRadius::same(radius::S), fill, Stroke::new(1.0, outline), StrokeKind::Inside);
    let color = if enabled { palette.on_accent } else { palette.text_soft };
    match tick {
        Tick::Off => {}
        Tick::On => Icon::Check.paint(ui.painter(), rect.center(), rect.width() - 2.0, color),
        Tick::Part => {
            let bar = Rect::from_center_size(rect.center(), Vec2::new(rect.width() * 0.5, 2.0));
            ui.painter().rect_filled(bar, 1.0, color);
        }
    }
}

/// A checkbox with its words.
pub fn check_ui(ui: &mut Ui, on: bool, enabled: bool, label: &str) -> Response {
    let palette = theme::palette(ui);
    let color = if enabled { palette.text } else { palette.text_weak };
    let galley = text::line(ui, Role::Body, color, label, ui.available_width() - 28.0);
    let size = Vec2::new(28.0 + galley.size().x, 24.0_f32.max(galley.size().y));
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(size, sense);
    response.widget_info(|| WidgetInfo::selected(egui::Role::CheckBox, enabled, on, label));
    let square = Rect::from_center_size(egui::pos2(rect.left() + 9.0, rect.center().y), Vec2::splat(17.0));
    paint_tick(ui, square, if on { Tick::On } else { Tick::Off }, enabled, response.hovered());
    ui.painter().galley(egui::pos2(rect.left() + 28.0, rect.center().y - galley.size().y / 2.0), galley, color);
    super::button::focus_ring(ui, &response, rect);
    if enabled { response.on_hover_cursor(CursorIcon::PointingHand) } else { response }
}

/// One of several lines of which one is chosen.
pub fn radio_ui(ui: &mut Ui, on: bool, label: &str) -> Response {
    let palette = theme::palette(ui);
    let galley = text::line(ui, Role::Body, palette.text, label, ui.available_width() - 26.0);
    let size = Vec2::new(26.0 + galley.size().x, 24.0_f32.max(galley.size().y));
    let (rect, response) = ui.allocate_exact_size(size, Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::Role::RadioButton, true, on, label));
    let center = egui::pos2(rect.left() + 9.0, rect.center().y);
    let color = if on { palette.accent } else { palette.text_weak };
    ui.painter().circle_stroke(center, 7.0, Stroke::new(1.5, color));
    if on {
        ui.painter().circle_filled(center, 4.0, color);
    }
    ui.painter().galley(egui::pos2(rect.left() + 26.0, rect.center().y - galley.size().y / 2.0), galley, palette.text);
    super::button::focus_ring(ui, &response, rect);
    response.on_hover_cursor(CursorIcon::PointingHand)
}

/// A switch that is on or off at once, named `name`.
pub fn switch_ui(ui: &mut Ui, on: bool, enabled: bool, name: &str) -> Response {
    let palette = theme::palette(ui);
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(Vec2::new(38.0, 22.0), sense);
    response.widget_info(|| WidgetInfo::selected(egui::Role::Switch, enabled, on, name));
    let fill = match (on, enabled) {
        (true, true) => palette.accent_fill,
        (true, false) => palette.border_strong,
        (false, _) => palette.selected,
    };
    let outline = if on { Color32::TRANSPARENT } else { palette.text_weak };
    ui.painter().rect(rect, CornerRadius::same(11), fill, Stroke::new(1.0, outline), StrokeKind::Inside);
    let x = if on { rect.right() - 11.0 } else { rect.left() + 11.0 };
    let knob = if on { palette.on_accent } else { palette.text_soft };
    ui.painter().circle_filled(egui::pos2(x, rect.center().y), 7.0, knob);
    super::button::focus_ring(ui, &response, rect);
    if enabled { response.on_hover_cursor(CursorIcon::PointingHand) } else { response }
}

/// How high a choice of `width` must be for its sentence.
pub fn choice_height(ui: &Ui, width: f32, sentence: &str) -> f32 {
    let palette = theme::palette(ui);
    let room = width - 38.0 - space::M;
    let galley = ui.painter().layout(sentence.to_owned(), Role::Small.font(), palette.text_soft, room);
    33.0 + galley.size().y + 12.0
}

/// One of several cards of which one is chosen.
pub fn choice_ui(
    ui: &mut Ui,
    size: Vec2,
    chosen: bool,
    enabled: bool,
    icon: Option<Icon>,
    heading: &str,
    sentence: &str,
) -> Response {
    let palette = theme::palette(ui);
    let sense = if enabled { Sense::click() } else { Sense::hover() };
    let (rect, response) = ui.allocate_exact_size(size, sense);
    response.widget_info(|| WidgetInfo::selected(egui::Role::RadioButton, enabled, chosen, heading));
    ui.ctx().accesskit_node_builder(response.id, |node| node.set_description(sentence));
    let (fill, outline, width) = if chosen {
        (palette.wash(Tone::Busy), palette.accent, 1.5)
    } else if response.hovered() && enabled {
        (palette.hover, palette.text_weak, 1.0)
    } else {
        (palette.surface, palette.border_strong, 1.0)
    };
    ui.painter().rect(rect, CornerRadius::same(radius::M + 2), fill, Stroke::new(width, outline), StrokeKind::Inside);
    let ink = if enabled { palette.text } else { palette.text_weak };
    let center = egui::pos2(rect.left() + 20.0, rect.top() + 20.0);
    match icon {
        Some(icon) => icon.paint(ui.painter(), center, 18.0, if chosen { palette.accent } else { palette.text_soft }),
        None => {
            let color = if chosen { palette.accent } else { palette.text_weak };
            ui.painter().circle_stroke(center, 7.0, Stroke::new(1.5, color));
            if chosen {
                ui.painter().circle_filled(center, 4.0, color);
            }
        }
    }
    let words =
        Rect::from_min_max(egui::pos2(rect.left() + 38.0, rect.top() + 10.0), rect.max - Vec2::new(space::M, space::S));
    text::paint(
        ui,
        Rect::from_min_size(words.min, Vec2::new(words.width(), 20.0)),
        egui::Align2::LEFT_CENTER,
        Role::Strong,
        ink,
        heading,
    );
    let galley = ui.painter().layout(
        sentence.to_owned(),
        Role::Small.font(),
        if enabled { palette.text_soft } else { palette.text_weak },
        words.width(),
    );
    ui.painter().galley(words.min + Vec2::new(0.0, 23.0), galley, palette.text_soft);
    super::button::focus_ring(ui, &response, rect);
    if enabled { response.on_hover_cursor(CursorIcon::PointingHand) } else { response }
}
