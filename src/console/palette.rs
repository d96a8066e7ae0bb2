//! The command palette and the list of keys.

use super::action::Action;
use super::command::Command;
use super::preferences::Preferences;
use super::scene::Scene;
use super::theme::{self, Icon, Role, radius, rich, space};
use super::widgets::dialog::dialog_ui;
use super::widgets::{Button, text};
use crate::control::view::AccountView;
use eframe::egui::{
    self, Align2, Context, CornerRadius, Frame, Id, Key, KeyboardShortcut, Margin, Modal, Modifiers, Rect, Sense,
    Stroke, TextEdit, Ui, Vec2, WidgetInfo,
};
use nucleo_matcher::pattern::{AtomKind, CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher};
use std::sync::Arc;

/// Height of a line, and of the list of lines, in points.
const LINE: f32 = 40.0;
const LIST: f32 = 440.0;

/// What is typed, which line is on, and how far the list is scrolled.
#[derive(Debug, Default)]
pub struct PaletteState {
    typed: String,
    line: usize,
    scrolled: f32,
    /// The objects that were found, for what was typed and in which account: looking through all takes as long as a frame.
    objects: Option<(String, Arc<AccountView>, Vec<Command>)>,
}

/// A command with the words by which it is found.
struct Found(Command, String);

impl AsRef<str> for Found {
    fn as_ref(&self) -> &str {
        &self.1
    }
}

/// Commands whose words hold the letters of every word of `typed` in their order, best first.
pub fn matching(commands: Vec<Command>, typed: &str) -> Vec<Command> {
    let words = commands.into_iter().map(|command| {
        let text = command.text();
        Found(command, text)
    });
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::new(typed, CaseMatching::Ignore, Normalization::Smart, AtomKind::Fuzzy);
    pattern.match_list(words, &mut matcher).into_iter().map(|(found, _)| found.0).collect()
}

impl PaletteState {
    /// Draws the palette.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>, preferences: &Preferences) -> Vec<Action> {
        let palette = theme::palette(ctx);
        let objects = self.objects(scene);
        let commands = matching(Command::all(scene).into_iter().chain(objects).collect(), &self.typed);
        let mut actions = Vec::new();
        let key = |key| ctx.input_mut(|input| input.consume_key(Modifiers::NONE, key));
        let before = self.line;
        if key(Key::ArrowDown) {
            self.line = (self.line + 1).min(commands.len().saturating_sub(1));
        }
        if key(Key::ArrowUp) {
            self.line = self.line.saturating_sub(1);
        }
        self.line = self.line.min(commands.len().saturating_sub(1));
        let moved = self.line != before;
        let entered = key(Key::Enter);
        let frame = Frame::new()
            .fill(palette.raised)
            .stroke(Stroke::new(1.0, palette.border_strong))
            .corner_radius(CornerRadius::same(radius::L + 2))
            .shadow(ctx.global_style().visuals.window_shadow);
        let id = Id::unique("command palette");
        let area = Modal::default_area(id).anchor(Align2::CENTER_TOP, Vec2::new(0.0, 110.0));
        let modal = Modal::new(id).area(area).frame(frame).backdrop_color(palette.backdrop).show(ctx, |ui| {
            ui.set_width(600.0);
            ui.spacing_mut().item_spacing.y = 0.0;
            self.search_ui(ui);
            super::widgets::card::hairline_ui(ui);
            let mut chosen = None;
            Frame::new().inner_margin(Margin::same(6)).show(ui, |ui| {
                ui.set_width(ui.available_width());
                if commands.is_empty() {
                    ui.add_space(space::L);
                    ui.vertical_centered(|ui| {
                        ui.label(rich(Role::Body, "No command matches.").color(palette.text_weak));
                    });
                    ui.add_space(space::L);
                }
                let mut area =
                    egui::ScrollArea::vertical().max_height(LIST).min_scrolled_height(LIST).auto_shrink([false, true]);
                if moved {
                    area = area.vertical_scroll_offset(scrolled_to(self.line, self.scrolled));
                }
                // Only what is in sight is laid out: a hundred groups have six hundred commands.
                let shown = area.show_rows(ui, LINE, commands.len(), |ui, lines| {
                    for index in lines {
                        if let Some(command) = commands.get(index)
                            && line_ui(ui, scene, command, index == self.line)
                        {
                            chosen = Some(command.clone());
                        }
                    }
                });
                self.scrolled = shown.state.unclamped_offset().y;
            });
            chosen
        });
        let chosen = modal.inner.clone().or_else(|| entered.then(|| commands.get(self.line).cloned()).flatten());
        if let Some(command) = chosen.filter(|command| command.available(scene).is_ok()) {
            actions.push(Action::CloseDialog);
            actions.push(command.action(preferences));
        } else if modal.should_close() {
            actions.push(Action::CloseDialog);
        }
        actions
    }

    fn objects(&mut self, scene: &Scene<'_>) -> Vec<Command> {
        let account = &scene.snapshot.account;
        if let Some((typed, of, found)) = &self.objects
            && *typed == self.typed
            && Arc::ptr_eq(of, account)
        {
            return found.clone();
        }
        let found = Command::objects(scene, &self.typed);
        self.objects = Some((self.typed.clone(), account.clone(), found.clone()));
        found
    }

    fn search_ui(&mut self, ui: &mut Ui) {
        let palette = theme::palette(ui);
        Frame::new().inner_margin(Margin::symmetric(16, 12)).show(ui, |ui| {
            ui.horizontal(|ui| {
                text::icon_ui(ui, Icon::Search, 20.0, palette.text_weak);
                let before = self.typed.clone();
                let response = ui.add(
                    TextEdit::singleline(&mut self.typed)
                        .font(Role::Heading.font())
                        .frame(Frame::NONE)
                        .desired_width(ui.available_width())
                        .min_size(Vec2::new(0.0, 28.0))
                        .align(Align2::LEFT_CENTER)
                        .hint_text(rich(Role::Heading, "What do you want to do?").color(palette.text_weak)),
                );
                if self.typed != before {
                    self.line = 0;
                }
                response.request_focus();
                response.accessible_name("Type a command");
            });
        });
    }
}

/// How far the list must be scrolled for a line to be in sight, from where it is.
fn scrolled_to(line: usize, scrolled: f32) -> f32 {
    let top = line as f32 * LINE;
    scrolled.min(top).max(top + LINE - LIST)
}

/// Draws one line; whether it was pressed.
fn line_ui(ui: &mut Ui, scene: &Scene<'_>, command: &Command, on: bool) -> bool {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), LINE), Sense::click());
    let words = command.text();
    let available = command.available(scene);
    response.widget_info(|| WidgetInfo::selected(egui::Role::MenuItem, available.is_ok(), on, &words));
    if on || response.hovered() {
        ui.painter().rect_filled(
            rect,
            CornerRadius::same(radius::M),
            if on { palette.selected } else { palette.hover },
        );
    }
    let ink = if available.is_ok() { palette.text } else { palette.text_weak };
    command.icon().paint(ui.painter(), egui::pos2(rect.left() + 20.0, rect.center().y), 18.0, palette.text_soft);
    let room = rect.with_min_x(rect.left() + 40.0).with_max_x(rect.right() - 10.0);
    let mut right = room.right();
    if let Some(keys) = command.shortcut() {
        right = keys_paint(ui, egui::pos2(right, rect.center().y), &keys) - space::S;
    }
    let label = text::paint(ui, room.with_max_x(right), Align2::LEFT_CENTER, Role::Body, ink, &words);
    let why = available.err();
    let note = why.as_deref().unwrap_or_else(|| command.tooltip());
    let place = Rect::from_min_max(egui::pos2(label.right() + space::L, rect.top()), egui::pos2(right, rect.bottom()));
    text::paint(ui, place, Align2::RIGHT_CENTER, Role::Small, palette.text_weak, note);
    response.clicked()
}

/// A shortcut as it stands on the keys.
pub fn key_words(ctx: &Context, keys: &KeyboardShortcut) -> String {
    let words = ctx.format_shortcut(keys);
    [("Questionmark", "?"), ("Comma", ","), ("Num", "")]
        .into_iter()
        .fold(words, |words, (from, to)| words.replace(from, to))
}

/// Paints a key's cap that ends at `right_center`; its left edge.
fn keys_paint(ui: &Ui, right_center: egui::Pos2, keys: &KeyboardShortcut) -> f32 {
    let palette = theme::palette(ui);
    let words = key_words(ui.ctx(), keys);
    let galley = text::line(ui, Role::MonoSmall, palette.text_soft, &words, f32::INFINITY);
    let size = Vec2::new(galley.size().x + 14.0, 22.0);
    let rect = Rect::from_min_size(right_center - Vec2::new(size.x, size.y / 2.0), size);
    ui.painter().rect(
        rect,
        CornerRadius::same(radius::S),
        palette.hover,
        Stroke::new(1.0, palette.border_strong),
        egui::StrokeKind::Inside,
    );
    ui.painter().galley(rect.center() - galley.size() / 2.0, galley, palette.text_soft);
    rect.left()
}

/// A line of the list of keys.
fn key_line_ui(ui: &mut Ui, words: &str, keys: &[KeyboardShortcut]) {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 34.0), Sense::hover());
    text::paint(ui, rect, Align2::LEFT_CENTER, Role::Body, palette.text, words);
    let mut right = rect.right();
    for key in keys.iter().rev() {
        right = keys_paint(ui, egui::pos2(right, rect.center().y), key) - 6.0;
    }
    let spelled: Vec<_> = keys.iter().map(|key| key_words(ui.ctx(), key)).collect();
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, format!("{words}: {}", spelled.join(", "))));
}

/// Draws the list of keys.
pub fn keys_dialog_ui(ctx: &Context) -> Vec<Action> {
    let plain = |key| KeyboardShortcut::new(Modifiers::NONE, key);
    let response = dialog_ui(
        ctx,
        "keys",
        "Keyboard shortcuts",
        520.0,
        &mut (),
        |ui, ()| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for command in &Command::WITH_KEY {
                if let Some(keys) = command.shortcut() {
                    key_line_ui(ui, &command.text(), &[keys]);
                }
            }
            key_line_ui(
                ui,
                "Next and previous field",
                &[plain(Key::Tab), KeyboardShortcut::new(Modifiers::SHIFT, Key::Tab)],
            );
            key_line_ui(ui, "Activate the focused control", &[plain(Key::Enter), plain(Key::Space)]);
            key_line_ui(
                ui,
                "Move in the scope tree",
                &[plain(Key::ArrowUp), plain(Key::ArrowDown), plain(Key::Home), plain(Key::End)],
            );
            key_line_ui(ui, "Open and close in the scope tree", &[plain(Key::ArrowRight), plain(Key::ArrowLeft)]);
            key_line_ui(ui, "From step to step in a replay", &[plain(Key::ArrowLeft), plain(Key::ArrowRight)]);
            key_line_ui(ui, "Close a dialog, leave the wall display", &[plain(Key::Escape)]);
        },
        |ui, ()| ui.add(Button::ordinary("Done")).clicked(),
    );
    if response.close || response.inner { vec![Action::CloseDialog] } else { Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_in_order_find_a_command_and_the_closest_comes_first() {
        let commands = vec![Command::ShowRegions, Command::RefreshRegions, Command::CreateGroup, Command::ShowGroups];
        assert_eq!(matching(commands.clone(), "create").first(), Some(&Command::CreateGroup));
        assert_eq!(matching(commands.clone(), "go reg").first(), Some(&Command::ShowRegions));
        assert_eq!(matching(commands.clone(), "zzz"), []);
        assert_eq!(matching(commands.clone(), ""), commands, "and without a letter they keep their order");
        assert_eq!(matching(commands, "group CRE").first(), Some(&Command::CreateGroup), "in any order of words");
    }

    #[test]
    fn the_list_scrolls_no_farther_than_the_line_needs() {
        assert_eq!(scrolled_to(0, 200.0), 0.0);
        assert_eq!(scrolled_to(8, 200.0), 200.0, "it is in sight");
        assert_eq!(scrolled_to(20, 200.0), 21.0 * LINE - LIST);
    }
}
