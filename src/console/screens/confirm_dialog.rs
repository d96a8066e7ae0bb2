//! The dialog that asks once more before something small is taken away: a token, a stable URL, its attachment,
//! or a line of what was left behind.

use super::stable_urls::{detaching, led_to};
use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich};
use crate::console::widgets::dialog::dialog_ui;
use crate::console::widgets::{Button, banner_ui, text};
use crate::control::SalvageRef;
use crate::domain::{GroupId, Recovery};
use crate::runtime::{Intent, IntentError};
use eframe::egui::{self, Context};

/// What is taken away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Confirm {
    /// A token or client, by its public id.
    Revoke(String),
    /// A stable URL, by its short id.
    DeleteUrl(String),
    /// A stable URL's attachment to its group, by its short id.
    DetachUrl(String),
    /// Tokens that the gateway exchanges: the stable URL's short id and the client.
    RemoveTokens(String, String),
    /// What a failover of a group left behind of an object.
    ReleaseLeftBehind(GroupId, String),
    /// The provisional failover of a group.
    Undo(GroupId),
    /// The failover of a group that waits for a second person.
    Approve(GroupId),
    /// Salvaged commits of a table.
    ReleaseSalvage(SalvageRef),
}

/// What the dialog remembers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmDialog {
    what: Confirm,
    refusal: Option<String>,
}

/// What the dialog says and does.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Its title.
    pub title: String,
    /// What follows, a sentence each.
    pub sentences: Vec<String>,
    /// The button's word, and while an answer is awaited.
    pub words: [&'static str; 2],
    /// What the button sends.
    pub intent: Intent,
}

/// The question as things are now; None once there is nothing to ask about.
pub fn question(what: &Confirm, scene: &Scene<'_>) -> Option<Question> {
    match what {
        Confirm::Revoke(id) => {
            let tokens = &scene.account().tokens;
            let token = tokens.iter().find(|token| token.id == *id && token.revoked.is_none())?;
            let mut sentences = vec![format!("Every call with {} is refused from now on.", token.name)];
            if token.is_client {
                sentences.push("So is every access token issued to it.".to_owned());
            }
            sentences.push("This can't be undone. Create another token instead.".to_owned());
            Some(Question {
                title: format!("Revoke {}", token.name),
                sentences,
                words: ["Revoke", "Revoking…"],
                intent: Intent::RevokeToken { id: id.clone() },
            })
        }
        Confirm::DeleteUrl(id) => {
            let url = scene.account().stable_urls.iter().find(|url| url.id == *id)?;
            Some(Question {
                title: format!("Delete {id}"),
                sentences: vec![
                    format!("{} stops working.", url.url),
                    "A new stable URL gets a new address, even with the same id.".to_owned(),
                ],
                words: ["Delete", "Deleting…"],
                intent: Intent::DeleteStableUrl { id: id.clone() },
            })
        }
        Confirm::RemoveTokens(id, client) => {
            let url = scene.account().stable_urls.iter().find(|url| url.id == *id)?;
            url.token_clients.iter().find(|known| known.client == *client)?;
            Some(Question {
                title: format!("Remove the tokens of {client}"),
                sentences: vec![
                    format!(
                        "{id} then passes its tokens as they are. The workspace that didn't issue one returns 401."
                    ),
                    "The tokens stay valid. If they aren't needed any more, revoke them in their workspaces."
                        .to_owned(),
                ],
                words: ["Remove", "Removing…"],
                intent: Intent::RemoveTokenPair { url: id.clone(), client: client.clone() },
            })
        }
        Confirm::ReleaseLeftBehind(id, object) => {
            let left = scene.group(id)?.left_behind.iter().find(|left| left.lost.object == *object)?;
            let mut sentences =
                vec![left.sentence(), format!("{id} stops listing it. Nothing is deleted in {}.", left.region)];
            if left.is_in_place() {
                sentences.push(
                    "If the primary has a table of this name, or gets one, replication then replaces this one."
                        .to_owned(),
                );
            }
            Some(Question {
                title: format!("Release {object}"),
                sentences,
                words: ["Release", "Releasing…"],
                intent: Intent::ReleaseLeftBehind { id: id.clone(), object: object.clone() },
            })
        }
        Confirm::Undo(id) => {
            let view = scene.group(id)?;
            let provisional = view.provisional.as_ref()?;
            let (primary, back_to) = (&provisional.primary, &provisional.back_to);
            Some(Question {
                title: format!("Undo the failover of {id}"),
                sentences: vec![
                    format!("{back_to} becomes primary again, as it was before the failover."),
                    format!("What was written to {primary} since is salvaged and listed under Left behind."),
                ],
                words: ["Undo the failover", "Starting…"],
                intent: Intent::UndoFailover { id: id.clone() },
            })
        }
        Confirm::Approve(id) => {
            let view = scene.group(id)?;
            let pending = view.pending_approval.as_ref()?;
            let mut sentences = vec![format!(
                "{} asked for it {} ago. It begins at once.",
                pending.asked_by.name,
                format::short_age(scene.age_ms(pending.asked_at))
            )];
            if pending.etag != view.group.etag {
                sentences
                    .push("The group has changed since then, so this will be refused. Ask for it again.".to_owned());
            }
            if !pending.order.accepted.is_empty() {
                sentences.push(format!("It may leave behind: {}.", pending.order.accepted.join(", ")));
            }
            Some(Question {
                title: format!("Approve the {} of {id} to {}", pending.order.words(), pending.order.target),
                sentences,
                words: ["Approve and fail over", "Starting…"],
                intent: Intent::Approve { id: id.clone(), request: pending.id.clone() },
            })
        }
        Confirm::ReleaseSalvage(of) => {
            let lines = scene.group(&of.group)?.salvage.clone();
            let line = lines.iter().find(|line| line.epoch == of.epoch && line.table == of.table)?;
            let mut sentences: Vec<String> = line.recovered.iter().map(Recovery::sentence).collect();
            if sentences.is_empty() {
                sentences.push("Nothing was recovered from these commits yet.".to_owned());
            }
            sentences.push(format!("They stay at {}. Only the list changes.", line.folder));
            Some(Question {
                title: format!("Release the salvaged commits of {}", of.table),
                sentences,
                words: ["Release", "Releasing…"],
                intent: Intent::ReleaseSalvage { of: of.clone() },
            })
        }
        Confirm::DetachUrl(id) => {
            let url = scene.account().stable_urls.iter().find(|url| url.id == *id)?;
            let group = url.group.as_ref()?;
            Some(Question {
                title: format!("Detach {id} from {group}"),
                sentences: vec![
                    format!("It still points to {}.", led_to(scene, url)),
                    format!("A failover of {group} no longer moves it."),
                ],
                words: ["Detach", "Detaching…"],
                intent: detaching(scene, url)?,
            })
        }
    }
}

impl ConfirmDialog {
    /// A dialog that asks about `what`.
    pub fn open(what: Confirm) -> Self {
        Self { what, refusal: None }
    }

    /// Whether `intent` is what this dialog asks for.
    pub fn asks_for(&self, intent: &Intent) -> bool {
        match (&self.what, intent) {
            (Confirm::Revoke(id), Intent::RevokeToken { id: asked }) => id == asked,
            (Confirm::DeleteUrl(id), Intent::DeleteStableUrl { id: asked }) => id == asked,
            (Confirm::RemoveTokens(id, client), Intent::RemoveTokenPair { url, client: asked }) => {
                id == url && client == asked
            }
            (Confirm::DetachUrl(_), Intent::UpdateGroup { .. }) => true,
            (Confirm::ReleaseLeftBehind(_, name), Intent::ReleaseLeftBehind { object, .. }) => name == object,
            (Confirm::Undo(id), Intent::UndoFailover { id: asked }) => id == asked,
            (Confirm::Approve(id), Intent::Approve { id: asked, .. }) => id == asked,
            (Confirm::ReleaseSalvage(of), Intent::ReleaseSalvage { of: asked }) => of == asked,
            _ => false,
        }
    }

    /// Takes the refusal of this dialog's intent.
    pub fn refused(&mut self, refusal: &IntentError) {
        self.refusal = Some(refusal.sentence.clone());
    }

    /// Draws the dialog.
    pub fn show(&mut self, ctx: &Context, scene: &Scene<'_>) -> Vec<Action> {
        let Some(question) = question(&self.what, scene) else { return vec![Action::CloseDialog] };
        let waits = scene.awaits(|intent| self.asks_for(intent));
        let response = dialog_ui(
            ctx,
            "confirm",
            &question.title,
            500.0,
            self,
            |ui, dialog| {
                let palette = theme::palette(ui);
                if let Some(refusal) = &dialog.refusal {
                    banner_ui(ui, Icon::Bad, Tone::Bad, "The request failed", refusal, |_| {});
                }
                for sentence in &question.sentences {
                    ui.horizontal_top(|ui| {
                        text::icon_ui(ui, Icon::Right, 17.0, palette.text_weak);
                        ui.add(egui::Label::new(rich(Role::Body, sentence).color(palette.text_soft)).wrap());
                    });
                }
            },
            |ui, _| {
                let [word, waiting] = question.words;
                let button = Button::danger(if waits { waiting } else { word });
                let confirmed = ui.add(button.enabled(!waits && scene.stale_ms.is_none())).clicked();
                (confirmed, ui.add(Button::ordinary("Cancel")).clicked())
            },
        );
        let (confirmed, cancelled) = response.inner;
        if confirmed {
            self.refusal = None;
            return vec![Action::Send(question.intent)];
        }
        if response.close || cancelled { vec![Action::CloseDialog] } else { Vec::new() }
    }
}
