//! Tokens and clients of the account API: who may call it, as what, and since when.

use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::{Button, button, card, chip, text};
use crate::domain::Role as TokenRole;
use eframe::egui::{self, Align, Align2, Layout, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo};

/// One line of the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenLine {
    /// Its public id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Token or client.
    pub kind: &'static str,
    /// Its role.
    pub role: TokenRole,
    /// When it was made.
    pub created: String,
    /// When it was last used, or revoked.
    pub note: String,
    /// Whether it opens nothing any more.
    pub revoked: bool,
}

/// Tokens in force, newest first, and after them the revoked ones where they are asked for.
pub fn token_lines(scene: &Scene<'_>, with_revoked: bool) -> Vec<TokenLine> {
    let day = |at: crate::domain::Timestamp| at.format("%-d %b %Y").to_string();
    let line = |token: &crate::control::view::TokenView| TokenLine {
        id: token.id.clone(),
        name: token.name.clone(),
        kind: if token.is_client { "Client" } else { "Token" },
        role: token.role,
        created: day(token.created),
        note: match (token.revoked, token.last_used) {
            (Some(at), _) => format!("Revoked {}", day(at)),
            (None, Some(at)) => format!("Used {} ago", format::short_age(scene.age_ms(at))),
            (None, None) => "Not used since the start".to_owned(),
        },
        revoked: token.revoked.is_some(),
    };
    let all = &scene.account().tokens;
    let in_force = all.iter().filter(|token| token.revoked.is_none());
    let revoked = all.iter().filter(|token| with_revoked && token.revoked.is_some());
    in_force.chain(revoked).map(line).collect()
}

/// Draws the card.
pub fn tokens_ui(ui: &mut Ui, scene: &Scene<'_>, with_revoked: &mut bool, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    card::card_ui(ui, |ui| {
        card::sides_ui(
            ui,
            44.0,
            |ui| {
                let note = match scene.snapshot.deployment.api_url {
                    Some(_) => {
                        "Who can call the account API. A client logs in to get access tokens. A token is sent directly."
                    }
                    None => {
                        "Who can call the account API when serve runs on this data dir. This process doesn't serve it."
                    }
                };
                card::section_ui(ui, "Tokens", note);
            },
            |ui| {
                if ui.add(Button::ordinary("Create token…").icon(Icon::Add)).clicked() {
                    actions.push(Action::AskNewToken);
                }
            },
        );
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            let lines = token_lines(scene, *with_revoked);
            if lines.is_empty() {
                ui.label(rich(Role::Body, "No active tokens.").color(palette.text_weak));
            }
            for line in lines {
                line_ui(ui, &line, actions);
            }
        });
        let revoked = scene.account().tokens.iter().filter(|token| token.revoked.is_some()).count();
        if revoked > 0 {
            let words = match *with_revoked {
                true => "Hide revoked".to_owned(),
                false => format!("Show {revoked} revoked"),
            };
            if button::link_ui(ui, &words, &words).clicked() {
                *with_revoked = !*with_revoked;
            }
        }
    });
}

fn line_ui(ui: &mut Ui, line: &TokenLine, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let height = theme::metrics(ui).row + 6.0;
    let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, palette.border.gamma_multiply(0.6)));
    let ink = if line.revoked { palette.text_weak } else { palette.text };
    let name_width = (rect.width() - 520.0).max(120.0);
    let column = |from: f32, width: f32| {
        Rect::from_min_size(egui::pos2(rect.left() + from, rect.top()), Vec2::new(width - space::S, height))
    };
    let at = egui::pos2(rect.left() + 9.0, rect.center().y);
    let icon = if line.kind == "Client" { Icon::Workspace } else { Icon::Key };
    icon.paint(ui.painter(), at, 16.0, palette.text_weak);
    text::paint(ui, column(26.0, name_width - 26.0), Align2::LEFT_CENTER, Role::Strong, ink, &line.name);
    text::paint(ui, column(name_width, 60.0), Align2::LEFT_CENTER, Role::Small, palette.text_soft, line.kind);
    let sign = egui::pos2(rect.left() + name_width + 60.0, rect.center().y);
    chip::paint_chip(ui, sign, Icon::Shield, Tone::Quiet, line.role.as_str(), "");
    text::paint(
        ui,
        column(name_width + 174.0, 96.0),
        Align2::LEFT_CENTER,
        Role::Small,
        palette.text_soft,
        &line.created,
    );
    text::paint(ui, column(name_width + 270.0, 160.0), Align2::LEFT_CENTER, Role::Small, palette.text_soft, &line.note);
    let said = format!("{} {}, {}, made {}, {}", line.kind, line.name, line.role, line.created, line.note);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &said));
    if !line.revoked {
        let layout = Layout::right_to_left(Align::Center);
        let mut corner = ui.new_child(egui::UiBuilder::new().max_rect(rect).layout(layout).id_salt(&line.id));
        let name = format!("Revoke {}…", line.name);
        if corner.add(Button::quiet("Revoke…").name(&name).small()).clicked() {
            actions.push(Action::AskRevoke(line.id.clone()));
        }
    }
}
