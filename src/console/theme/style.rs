//! Puts the tokens into egui's style, and keeps which palette is on.

use super::palette::{DARK, LIGHT, Palette};
use super::{fonts, radius, type_scale::Role};
use eframe::egui::{
    self, Context, CornerRadius, Id, Margin, Shadow, Stroke, Style, TextStyle, Theme, Vec2, style::ScrollStyle,
    style::WidgetVisuals,
};
use serde::{Deserialize, Serialize};

/// Which theme to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThemeChoice {
    /// As the desktop says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

/// How much fits on a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Density {
    /// Room to breathe.
    #[default]
    Comfortable,
    /// More rows.
    Compact,
}

/// Heights that follow the density.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Metrics {
    /// A row of a table.
    pub row: f32,
    /// A row of the list of groups.
    pub tall_row: f32,
    /// A button or field.
    pub control: f32,
}

#[derive(Debug, Clone, Copy, Default)]
struct Look {
    stale: bool,
    night: bool,
    density: Density,
}

fn look_id() -> Id {
    Id::unique("console look")
}

/// Fonts and both themes, once, before the first frame.
pub fn install(ctx: &Context) {
    ctx.set_fonts(fonts::definitions());
    egui_material_icons::initialize(ctx);
    for (theme, palette) in [(Theme::Dark, DARK), (Theme::Light, LIGHT)] {
        ctx.style_mut_of(theme, |style| fill_style(style, &palette));
    }
}

/// Shows what the person chose.
pub fn apply_choices(ctx: &Context, theme: ThemeChoice, density: Density) {
    ctx.set_theme(match theme {
        ThemeChoice::System => egui::ThemePreference::System,
        ThemeChoice::Light => egui::ThemePreference::Light,
        ThemeChoice::Dark => egui::ThemePreference::Dark,
    });
    ctx.data_mut(|data| data.get_temp_mut_or_default::<Look>(look_id()).density = density);
}

/// Takes the colour out of everything that is drawn from now on, or gives it back.
pub fn set_stale(ctx: &Context, stale: bool) {
    ctx.data_mut(|data| data.get_temp_mut_or_default::<Look>(look_id()).stale = stale);
}

/// Uses the dark palette for everything that is drawn from now on, or goes back to the theme's.
pub fn set_night(ctx: &Context, night: bool) {
    ctx.data_mut(|data| data.get_temp_mut_or_default::<Look>(look_id()).night = night);
}

/// The palette that is on.
pub fn palette(ctx: &Context) -> Palette {
    let look = ctx.data(|data| data.get_temp::<Look>(look_id())).unwrap_or_default();
    let full = if look.night || ctx.theme() == Theme::Dark { DARK } else { LIGHT };
    if look.stale { full.faded() } else { full }
}

/// The heights that are on.
pub fn metrics(ctx: &Context) -> Metrics {
    match ctx.data(|data| data.get_temp::<Look>(look_id())).unwrap_or_default().density {
        Density::Comfortable => Metrics { row: 38.0, tall_row: 68.0, control: 34.0 },
        Density::Compact => Metrics { row: 30.0, tall_row: 52.0, control: 30.0 },
    }
}

fn fill_style(style: &mut Style, palette: &Palette) {
    style.text_styles = [
        (TextStyle::Heading, Role::Title.font()),
        (TextStyle::Body, Role::Body.font()),
        (TextStyle::Button, Role::Strong.font()),
        (TextStyle::Small, Role::Small.font()),
        (TextStyle::Monospace, Role::Mono.font()),
    ]
    .into();
    let spacing = &mut style.spacing;
    spacing.item_spacing = Vec2::new(super::space::S, super::space::S);
    spacing.button_padding = Vec2::new(super::space::M, 6.0);
    spacing.interact_size = Vec2::new(40.0, 22.0);
    spacing.icon_width = 18.0;
    spacing.icon_width_inner = 10.0;
    spacing.menu_margin = Margin::same(6);
    spacing.combo_height = 320.0;
    spacing.tooltip_width = 360.0;
    spacing.scroll = ScrollStyle {
        floating: true,
        bar_width: 8.0,
        floating_width: 5.0,
        floating_allocated_width: 0.0,
        dormant_handle_opacity: 0.35,
        active_handle_opacity: 0.5,
        interact_handle_opacity: 0.8,
        dormant_background_opacity: 0.0,
        active_background_opacity: 0.0,
        interact_background_opacity: 0.2,
        ..ScrollStyle::floating()
    };
    style.interaction.selectable_labels = false;
    style.interaction.tooltip_delay = 0.35;
    style.animation_time = 0.1;
    fill_visuals(style, palette);
}

fn fill_visuals(style: &mut Style, palette: &Palette) {
    let corners = CornerRadius::same(radius::M);
    let widget = |fill, outline, text| WidgetVisuals {
        bg_fill: fill,
        weak_bg_fill: fill,
        bg_stroke: Stroke::new(1.0, outline),
        corner_radius: corners,
        fg_stroke: Stroke::new(1.0, text),
        expansion: 0.0,
    };
    let visuals = &mut style.visuals;
    visuals.dark_mode = palette.dark;
    visuals.override_text_color = None;
    visuals.weak_text_color = Some(palette.text_weak);
    visuals.widgets.noninteractive = widget(palette.surface, palette.border, palette.text);
    visuals.widgets.inactive = widget(palette.well, palette.border_strong, palette.text);
    visuals.widgets.hovered = widget(palette.hover, palette.text_weak, palette.text);
    visuals.widgets.active = widget(palette.selected, palette.accent, palette.text);
    visuals.widgets.open = widget(palette.hover, palette.accent, palette.text);
    visuals.selection.bg_fill = palette.accent_fill.gamma_multiply(if palette.dark { 0.55 } else { 0.25 });
    // egui writes selected text in this colour too: the accent on its own fill would be too faint to read.
    visuals.selection.stroke = Stroke::new(1.5, palette.text);
    visuals.hyperlink_color = palette.accent;
    visuals.faint_bg_color = palette.hover;
    visuals.extreme_bg_color = palette.well;
    visuals.text_edit_bg_color = Some(palette.well);
    visuals.code_bg_color = palette.well;
    visuals.warn_fg_color = palette.warn;
    visuals.error_fg_color = palette.bad;
    visuals.window_corner_radius = CornerRadius::same(radius::L);
    visuals.menu_corner_radius = CornerRadius::same(radius::M);
    visuals.window_fill = palette.raised;
    visuals.window_stroke = Stroke::new(1.0, palette.border_strong);
    visuals.window_shadow = Shadow { offset: [0, 12], blur: 36, spread: 0, color: palette.shadow };
    visuals.popup_shadow = Shadow { offset: [0, 6], blur: 18, spread: 0, color: palette.shadow };
    visuals.panel_fill = palette.canvas;
    // A blinking cursor would wake an idle window twice a second.
    visuals.text_cursor.blink = false;
    visuals.text_cursor.stroke = Stroke::new(1.5, palette.accent);
    visuals.striped = false;
    visuals.button_frame = true;
    visuals.disabled_alpha = 0.6;
}
