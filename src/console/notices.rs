//! Answers of the runtime, shown until they are read.

use super::format;
use super::theme::{self, Icon, Role, Tone, radius, rich, space};
use super::widgets::{Button, card, text};
use crate::domain::Timestamp;
use crate::domain::readiness::Readiness;
use crate::runtime::{Intent, IntentError, NoticeDetail};
use chrono::TimeDelta;
use eframe::egui::{self, Align, Align2, Area, Context, CornerRadius, Frame, Id, Layout, Margin, Order, Stroke, Vec2};

/// How long good news stays.
const GOOD_NEWS_SECONDS: i64 = 6;

/// One notice.
#[derive(Debug, Clone, PartialEq)]
pub struct Toast {
    /// How bad it is.
    pub tone: Tone,
    /// What it says.
    pub sentence: String,
    /// When it goes by itself; bad news stays.
    pub until: Option<Timestamp>,
}

/// The notices that are up.
#[derive(Debug, Default)]
pub struct Notices {
    toasts: Vec<Toast>,
    drawn: usize,
}

/// The words for an answer to `intent`.
pub fn toast_of(intent: &Intent, outcome: &Result<NoticeDetail, IntentError>, now: Timestamp) -> Toast {
    match outcome {
        Ok(detail) => Toast {
            tone: Tone::Good,
            sentence: match detail {
                NoticeDetail::Done(sentence) => sentence.clone(),
                NoticeDetail::Point(point) => match point.point {
                    Some(at) => format!("Read the replication point of {}.", format::utc(at)),
                    None => point.notes.join(" "),
                },
                NoticeDetail::AsOf(_) => "Checked the tables' versions.".to_owned(),
                NoticeDetail::WhatIf(answer) => format!("Found out what happens if {}.", answer.asked.words()),
                NoticeDetail::Salvage(_) | NoticeDetail::Rows(_) => "Read the salvaged commits.".to_owned(),
                NoticeDetail::Readiness(report) => {
                    let passed = report.lines.iter().filter(|line| line.status == Readiness::Pass).count();
                    format!("Readiness: {passed} of {} lines pass.", report.lines.len())
                }
                NoticeDetail::History(_) => "Read the system table.".to_owned(),
                NoticeDetail::NewToken { token, .. } => {
                    format!("{} was created, but its secret was never shown. Revoke it and create another.", token.name)
                }
                NoticeDetail::Capabilities(sheet) => format!("{} was asked what it can do.", sheet.region),
                NoticeDetail::Group(group) => group_sentence(intent, group.spec.id.as_str()),
            },
            until: Some(now + TimeDelta::seconds(GOOD_NEWS_SECONDS)),
        },
        Err(refusal) => {
            let tone = if refusal.stale { Tone::Warn } else { Tone::Bad };
            Toast { tone, sentence: refusal.sentence.clone(), until: None }
        }
    }
}

fn group_sentence(intent: &Intent, id: &str) -> String {
    match intent {
        Intent::CreateGroup { validate_only: true, .. } => {
            format!("{id} passed every check. Nothing was created.")
        }
        Intent::CreateGroup { .. } => format!("{id} was created. The console is preparing its regions."),
        Intent::FailOver { target_primary_region, .. } => format!("{id} is failing over to {target_primary_region}."),
        Intent::UndoFailover { .. } => format!("The failover of {id} is being undone."),
        Intent::Approve { .. } => format!("{id} is failing over, as approved."),
        Intent::DeleteGroup { .. } => format!("Deleting {id}. Its replica stays, read-only."),
        Intent::RetryGroup { .. } => format!("{id} is trying again."),
        Intent::ResumeWorkloads { .. } => format!("Resuming schedules and compute of {id}."),
        _ => format!("{id} was changed."),
    }
}

impl Notices {
    /// Puts a notice up; the oldest goes when there are too many.
    pub fn push(&mut self, toast: Toast) {
        self.toasts.push(toast);
        if self.toasts.len() > 4 {
            self.toasts.remove(0);
        }
    }

    /// Takes down what has been up long enough.
    pub fn expire(&mut self, now: Timestamp) {
        self.toasts.retain(|toast| toast.until.is_none_or(|until| until > now));
    }

    /// Milliseconds until the next one goes.
    pub fn next_expiry_ms(&self, now: Timestamp) -> Option<u64> {
        let soonest = self.toasts.iter().filter_map(|toast| toast.until).min()?;
        Some(u64::try_from((soonest - now).num_milliseconds()).unwrap_or(0).max(1))
    }

    /// Draws them, newest at the bottom right.
    pub fn show(&mut self, ctx: &Context) {
        if self.toasts.is_empty() {
            self.drawn = 0;
            return;
        }
        if self.drawn != self.toasts.len() {
            self.drawn = self.toasts.len();
            // What hangs at the bottom is placed by its last height, so it must be measured before it is shown.
            ctx.request_discard("the notices changed");
        }
        let palette = theme::palette(ctx);
        let mut closed = None;
        Area::new(Id::unique("notices"))
            .order(Order::Tooltip)
            .anchor(Align2::RIGHT_BOTTOM, Vec2::splat(-space::XL))
            .show(ctx, |ui| {
                ui.set_width(400.0);
                ui.with_layout(Layout::top_down(Align::Max), |ui| {
                    for (index, toast) in self.toasts.iter().enumerate() {
                        let frame = Frame::new()
                            .fill(palette.raised)
                            .stroke(Stroke::new(1.0, palette.border_strong))
                            .corner_radius(CornerRadius::same(radius::L))
                            .shadow(ui.visuals().popup_shadow)
                            .inner_margin(Margin { left: 14, right: 8, top: 10, bottom: 10 });
                        frame.show(ui, |ui| {
                            ui.set_width(376.0);
                            if toast_ui(ui, toast) {
                                closed = Some(index);
                            }
                        });
                    }
                });
            });
        if let Some(index) = closed {
            self.toasts.remove(index);
        }
    }
}

fn toast_ui(ui: &mut egui::Ui, toast: &Toast) -> bool {
    let palette = theme::palette(ui);
    let icon = match toast.tone {
        Tone::Good => Icon::Good,
        Tone::Warn => Icon::Warn,
        Tone::Bad => Icon::Bad,
        Tone::Busy | Tone::Quiet => Icon::Info,
    };
    let (_, closed) = card::sides_ui(
        ui,
        26.0,
        |ui| {
            text::icon_ui(ui, icon, 18.0, palette.tone(toast.tone));
            ui.add(egui::Label::new(rich(Role::Body, &toast.sentence).color(palette.text)).wrap());
        },
        |ui| ui.add(Button::icon_only(Icon::Close, "Dismiss").small()).clicked(),
    );
    closed
}
