//! Where and of what people are told.

use super::choice::choice_ui;
use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::{Button, card, field, tabs, text};
use crate::control::AlertsPatch;
use crate::control::view::AlertsView;
use crate::domain::{AlertTopic, Right, WebhookFormat};
use crate::runtime::Intent;
use crate::wire::secret::Secret;
use eframe::egui::Ui;

/// How wide the fields are.
const FIELD_WIDTH: f32 = 420.0;

/// What is half-typed.
#[derive(Debug, Default)]
pub struct NotificationFields {
    url: String,
    routing_key: String,
    format: Option<WebhookFormat>,
}

/// What is set, as a sentence.
fn words(view: &AlertsView) -> String {
    match (&view.webhook, view.set_at_start) {
        (None, _) => "No webhook is set. Nothing is sent outside the console.".to_owned(),
        (Some(webhook), true) => format!("{webhook} is told. It was named with --webhook at the start."),
        (Some(webhook), false) => format!("{webhook} is told. The rest of its URL is kept secret."),
    }
}

/// How the last delivery went and what waits, as a sentence; None before the first one.
pub fn delivery_words(view: &AlertsView) -> Option<(bool, String)> {
    let waits = match view.waiting {
        0 => String::new(),
        waiting => format!(" {} to be delivered.", format::plural(waiting, "notification waits", "notifications wait")),
    };
    match &view.last {
        Some(last) => {
            let what = if last.delivered { "Last delivered" } else { "Last failed" };
            let sentence = format!("{what} {}: {}{waits}", format::utc(last.at), last.sentence);
            Some((last.delivered && view.waiting == 0, sentence))
        }
        None if view.waiting > 0 => Some((false, waits.trim_start().to_owned())),
        None => None,
    }
}

impl NotificationFields {
    /// Draws the card.
    pub fn show(&mut self, ui: &mut Ui, scene: &Scene<'_>, actions: &mut Vec<Action>) {
        let palette = theme::palette(ui);
        let view = &scene.account().alerts;
        let may = scene.refusal(Right::SetNotifications).is_none();
        let tests = scene.awaits(|intent| matches!(intent, Intent::TestAlerts));
        let waits = scene.awaits(|intent| matches!(intent, Intent::SetAlerts { .. }));
        card::sides_ui(
            ui,
            44.0,
            |ui| card::section_ui(ui, "Notifications", &words(view)),
            |ui| {
                let label = if tests { "Sending…" } else { "Send a test" };
                let ready = may && !tests && view.webhook.is_some();
                if ui.add(Button::ordinary(label).icon(Icon::Export).enabled(ready)).clicked() {
                    actions.push(Action::Send(Intent::TestAlerts));
                }
                let removes = view.webhook.is_some() && !view.set_at_start;
                if removes && ui.add(Button::quiet("Remove webhook").enabled(may && !waits)).clicked() {
                    let patch = AlertsPatch { webhook: Some(Secret::default()), ..AlertsPatch::default() };
                    actions.push(Action::Send(Intent::SetAlerts { patch }));
                }
            },
        );
        if let Some((well, sentence)) = delivery_words(view) {
            let (icon, tone) = if well { (Icon::Good, Tone::Good) } else { (Icon::Warn, Tone::Warn) };
            ui.horizontal_top(|ui| {
                text::icon_ui(ui, icon, 15.0, palette.tone(tone));
                ui.add(eframe::egui::Label::new(rich(Role::Small, sentence).color(palette.text_soft)).wrap());
            });
        }
        card::hairline_ui(ui);
        for topic in AlertTopic::ALL {
            let on = view.topics.contains(&topic);
            choice_ui(ui, topic.label(), topic.sentence(), |ui| {
                if field::switch_ui(ui, on, may && !waits, &format!("Tell of {}", topic.label())).clicked() {
                    let mut topics = view.topics.clone();
                    if !topics.remove(&topic) {
                        topics.insert(topic);
                    }
                    let patch = AlertsPatch { topics: Some(topics), ..AlertsPatch::default() };
                    actions.push(Action::Send(Intent::SetAlerts { patch }));
                }
            });
        }
        if !view.set_at_start {
            card::hairline_ui(ui);
            self.webhook_ui(ui, view, may && !waits, actions);
        }
    }

    fn webhook_ui(&mut self, ui: &mut Ui, view: &AlertsView, may: bool, actions: &mut Vec<Action>) {
        let format = self.format.unwrap_or(match self.url.is_empty() {
            true => view.format,
            false => known_format(&self.url),
        });
        choice_ui(ui, "New webhook", "Begins with https:// and leads to the internet", |ui| {
            ui.set_max_width(FIELD_WIDTH);
            field::named_secret_ui(ui, "Webhook URL", &mut self.url);
        });
        if self.url.is_empty() {
            self.format = None;
            return;
        }
        choice_ui(ui, "It takes", "Known from its host where that tells", |ui| {
            let choices = WebhookFormat::ALL.map(|format| (format, format.label()));
            if let Some(format) = tabs::segmented_ui(ui, "Format of the webhook", format, &choices) {
                self.format = Some(format);
            }
        });
        let needs_key = format == WebhookFormat::PagerDuty;
        if needs_key {
            choice_ui(ui, "Routing key", "Of a PagerDuty service with the Events API v2", |ui| {
                ui.set_max_width(FIELD_WIDTH);
                field::named_secret_ui(ui, "Routing key", &mut self.routing_key);
            });
        }
        ui.add_space(space::XS);
        ui.horizontal(|ui| {
            let ready = may && (!needs_key || !self.routing_key.is_empty());
            if ui.add(Button::primary("Set webhook").enabled(ready)).clicked() {
                let key = Some(Secret::new(self.routing_key.trim())).filter(|_| needs_key);
                let patch = AlertsPatch {
                    webhook: Some(Secret::new(self.url.trim())),
                    format: Some(format),
                    routing_key: key,
                    topics: None,
                };
                actions.push(Action::Send(Intent::SetAlerts { patch }));
                *self = Self::default();
            }
            if ui.add(Button::quiet("Undo").name("Undo the new webhook")).clicked() {
                *self = Self::default();
            }
        });
    }
}

/// What the host of a half-typed URL takes.
fn known_format(typed: &str) -> WebhookFormat {
    let rest = typed.trim().split_once("://").map_or("", |(_, rest)| rest);
    WebhookFormat::of_host(rest.split(['/', ':', '?']).next().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_typed_url_tells_what_it_takes() {
        assert_eq!(known_format("https://hooks.slack.com/services/T"), WebhookFormat::Slack);
        assert_eq!(known_format("https://events.pagerduty.com/v2/enqueue"), WebhookFormat::PagerDuty);
        assert_eq!(known_format("htt"), WebhookFormat::Json);
    }
}
