//! Bands above the tabs: what a person should know or do about the group now.

use super::drills::{PROVEN_DAYS, proof_is_old};
use crate::console::action::{Action, GroupTab, Route};
use crate::console::command::is_failed;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{Icon, Tone};
use crate::console::widgets::chip::is_unprotected;
use crate::console::widgets::{Button, banner_ui};
use crate::control::view::{CycleView, GroupView, ObjectView, WorkloadView};
use crate::domain::{AssetKind, ErrorClass, GroupState, ObjectError, ObjectStatus, Region};
use crate::runtime::Intent;
use eframe::egui::Ui;
use std::collections::BTreeSet;

/// What a band offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offer {
    /// Nothing to press.
    Nothing,
    /// Try the failed phase again.
    Retry,
    /// Start what ran in the old primary.
    Resume,
    /// Show the errors.
    Errors,
    /// Show the steps.
    Steps,
    /// Keep or undo a provisional failover.
    Provisional,
    /// Approve or refuse what waits.
    Approval,
    /// Show the drills.
    Drills,
}

/// One band.
#[derive(Debug, Clone, PartialEq)]
pub struct Banner {
    /// Its sign.
    pub icon: Icon,
    /// How much it matters.
    pub tone: Tone,
    /// What is going on.
    pub heading: String,
    /// What it means.
    pub sentence: String,
    /// What to press.
    pub offer: Offer,
}

/// Says that the last proof is too old, while the group could be rehearsed.
fn unproven_banner(scene: &Scene<'_>, view: &GroupView) -> Option<Banner> {
    let days = proof_is_old(scene, view).filter(|_| view.group.state == GroupState::Active)?;
    Some(Banner {
        icon: Icon::Clock,
        tone: Tone::Warn,
        heading: format!("Not proven for {days} days"),
        sentence: format!(
            "Nothing has shown in the last {PROVEN_DAYS} days that {} could take over. An isolated drill takes seconds.",
            view.group.effective_secondary_region()
        ),
        offer: Offer::Drills,
    })
}

/// The bands of a group, what matters most first.
pub fn banners(scene: &Scene<'_>, view: &GroupView) -> Vec<Banner> {
    let group = &view.group;
    let mut found = Vec::new();
    if is_failed(group.state) {
        found.push(Banner {
            icon: Icon::Bad,
            tone: Tone::Bad,
            heading: failed_heading(group.state).to_owned(),
            sentence: group.state_message.clone().unwrap_or_else(|| "The reason was not recorded.".to_owned()),
            offer: Offer::Retry,
        });
    }
    if group.state == GroupState::FailingOver {
        let step = view.operation.as_ref().and_then(|operation| {
            operation.steps.iter().find(|step| step.status == crate::domain::StepStatus::Running)
        });
        found.push(Banner {
            icon: Icon::Failover,
            tone: Tone::Warn,
            heading: format!("Failing over to {}", target_of(view)),
            sentence: step.map_or_else(String::new, |step| format!("Now: {}.", step.step.label())),
            offer: Offer::Steps,
        });
    }
    found.extend(provisional_banner(scene, view));
    found.extend(approval_banner(scene, view));
    if is_unprotected(group) && group.state != GroupState::FailingOver && view.provisional.is_none() {
        found.push(Banner {
            icon: Icon::Warn,
            tone: Tone::Warn,
            heading: format!("Unprotected until {} is complete again", group.effective_secondary_region()),
            sentence: unprotected(scene, view),
            offer: Offer::Nothing,
        });
    }
    if !view.to_resume.is_empty() && group.state != GroupState::FailingOver {
        found.push(Banner {
            icon: Icon::Play,
            tone: Tone::Busy,
            heading: format!("{} in {}", waiting(&view.to_resume), group.effective_primary_region),
            sentence: format!(
                "They were running in {} before the failover. They haven't been started here.",
                group.effective_secondary_region()
            ),
            offer: Offer::Resume,
        });
    }
    found.extend(unproven_banner(scene, view));
    found.extend(nothing_arrived(view));
    found.extend(away_banner(scene, view));
    if let Some(error) = view.blocking_error.as_ref().filter(|e| e.class != ErrorClass::RegionUnreachable) {
        found.push(Banner {
            icon: Icon::Bad,
            tone: Tone::Bad,
            heading: "Replication is held up".to_owned(),
            sentence: error.message.clone(),
            offer: Offer::Errors,
        });
    }
    let blocking = blocking_objects(view);
    if blocking > 0 {
        let objects = format::plural(blocking, "object holds", "objects hold");
        found.push(Banner {
            icon: Icon::Bad,
            tone: Tone::Bad,
            heading: format!("{objects} the replication point back"),
            sentence: "Everything else continues. A planned failover needs a tick for each object it leaves behind. A forced one lists them.".to_owned(),
            offer: Offer::Errors,
        });
    }
    found
}

/// A failover that is undone unless someone keeps it.
fn provisional_banner(scene: &Scene<'_>, view: &GroupView) -> Option<Banner> {
    let provisional = view.provisional.as_ref().filter(|_| view.group.state != GroupState::FailingOver)?;
    let (primary, back_to) = (&provisional.primary, &provisional.back_to);
    let when = match provisional.until.map(|until| format::since(scene.now, until)) {
        Some(left) if left > 0 => {
            // Drawn again when the next second is full.
            let _ = scene.age_ms(scene.now);
            format!("It is undone in {}.", format::age(left))
        }
        _ => format!("It is undone as soon as {back_to} responds."),
    };
    Some(Banner {
        icon: Icon::Clock,
        tone: Tone::Warn,
        heading: format!("{primary} is primary provisionally"),
        sentence: format!(
            "{when} Nothing replicates until then, and {back_to} keeps its state from before the failover."
        ),
        offer: Offer::Provisional,
    })
}

/// A failover that waits for a second person.
fn approval_banner(scene: &Scene<'_>, view: &GroupView) -> Option<Banner> {
    let pending = view.pending_approval.as_ref()?;
    let (order, by) = (&pending.order, &pending.asked_by.name);
    let own = match own_request(scene, view) {
        true => " Someone with another token must approve it.",
        false => "",
    };
    let left = format::age(format::since(scene.now, pending.expires_at));
    let asked = format::age(scene.age_ms(pending.asked_at));
    Some(Banner {
        icon: Icon::Clock,
        tone: Tone::Warn,
        heading: format!("A {} to {} waits for approval", order.words(), order.target),
        sentence: format!("{by} asked for it {asked} ago. It expires in {left}.{own}"),
        offer: Offer::Approval,
    })
}

/// Whether the window itself asked for what waits.
fn own_request(scene: &Scene<'_>, view: &GroupView) -> bool {
    view.pending_approval.as_ref().is_some_and(|pending| pending.asked_by.id == scene.snapshot.session.id)
}

/// Says of an ACTIVE group that not one of its tables is in the secondary.
fn nothing_arrived(view: &GroupView) -> Option<Banner> {
    let tables = || view.objects.iter().filter(|object| object.kind == AssetKind::Table);
    let never = |object: &ObjectView| object.replica_version.is_none() && object.status != ObjectStatus::InSync;
    if view.group.state != GroupState::Active || tables().next().is_none() || !tables().all(never) {
        return None;
    }
    let secondary = view.group.effective_secondary_region();
    Some(Banner {
        icon: Icon::Bad,
        tone: Tone::Bad,
        heading: format!("Nothing has arrived in {secondary}"),
        sentence: format!("Every table of the group is flagged, so {secondary} has nothing to take over."),
        offer: Offer::Errors,
    })
}

/// How many objects hold the replication point back; a failure of the whole group is not counted.
pub fn blocking_objects(view: &GroupView) -> usize {
    let own = view.blocking_error.as_ref();
    let blocks = |error: &&ObjectError| error.blocks_replication_point() && Some(*error) != own;
    let objects: BTreeSet<&str> = view.errors.iter().filter(blocks).map(|error| error.object.as_str()).collect();
    objects.len()
}

/// A region of the group that does not answer, and what that means for what is shown.
fn away_banner(scene: &Scene<'_>, view: &GroupView) -> Option<Banner> {
    let group = &view.group;
    let away = |name: &Region| scene.region(name).and_then(|region| region.unreachable_since);
    let (primary, secondary) = (&group.effective_primary_region, group.effective_secondary_region());
    let time = |at| format!("{} UTC", format::utc_time(at));
    let (region, since, effect) = match (away(primary), away(secondary)) {
        (Some(since), _) => (primary, since, format!("Its commits don't reach {secondary}.")),
        // Another band tells of a secondary that is not complete.
        (None, Some(_)) if is_unprotected(group) && group.state != GroupState::FailingOver => return None,
        (None, Some(since)) => (secondary, since, "Nothing is replicated until it responds.".to_owned()),
        (None, None) => return None,
    };
    let objects = match view.as_of {
        Some(as_of) => format!("Objects are shown as of {}.", time(as_of)),
        None => "The console hasn't checked any object since it started.".to_owned(),
    };
    Some(Banner {
        icon: Icon::Offline,
        tone: Tone::Bad,
        heading: format!("{region} hasn't responded for {}", format::age(scene.age_ms(since))),
        sentence: format!("{effect} {objects}"),
        offer: Offer::Nothing,
    })
}

fn failed_heading(state: GroupState) -> &'static str {
    match state {
        GroupState::CreationFailed => "Couldn't prepare the regions",
        GroupState::FailoverFailed => "The failover stopped after the cutover",
        _ => "Couldn't delete the group",
    }
}

fn target_of(view: &GroupView) -> Region {
    let running = view.operation.as_ref().map(|operation| operation.to_region.clone());
    running.unwrap_or_else(|| view.group.effective_secondary_region().clone())
}

fn unprotected(scene: &Scene<'_>, view: &GroupView) -> String {
    let secondary = view.group.effective_secondary_region();
    if let Some(since) = scene.region(secondary).and_then(|region| region.unreachable_since) {
        let age = format::age(scene.age_ms(since));
        return format!(
            "{secondary} hasn't responded for {age}. When it does, its unreplicated commits are salvaged and the replica is completed."
        );
    }
    match eta(&view.cycle, scene) {
        Some(left) => format!("About {left} left, at the current copy rate."),
        None if view.group.salvage_pending => {
            format!("Salvaging the unreplicated commits of {secondary}. Then its replica is completed.")
        }
        None => "Replication in the new direction has started. No estimate yet.".to_owned(),
    }
}

/// How long a bootstrap still takes, in words, going by its bytes so far; None while that cannot be told.
pub fn eta(cycle: &CycleView, scene: &Scene<'_>) -> Option<String> {
    let started = cycle.started?;
    let left = cycle.bytes_total.checked_sub(cycle.bytes_copied)?;
    if !cycle.running || cycle.bytes_copied == 0 || cycle.bytes_total == 0 {
        return None;
    }
    let elapsed = scene.age_ms(started) as f64 / 1000.0;
    if elapsed < 2.0 {
        return None;
    }
    let seconds = left as f64 * elapsed / cycle.bytes_copied as f64;
    Some(format::age((seconds * 1000.0) as i64))
}

/// `2 schedules and 1 compute resource wait`.
fn waiting(workloads: &[WorkloadView]) -> String {
    let jobs = workloads.iter().filter(|workload| workload.kind == AssetKind::Job).count();
    let compute = workloads.len() - jobs;
    let mut parts = Vec::new();
    if jobs > 0 {
        parts.push(format::plural(jobs, "schedule", "schedules"));
    }
    if compute > 0 {
        parts.push(format::plural(compute, "compute resource", "compute resources"));
    }
    let verb = if workloads.len() == 1 { "waits" } else { "wait" };
    format!("{} {verb} to be resumed", parts.join(" and "))
}

/// Draws the bands.
pub fn banners_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, tab: GroupTab, actions: &mut Vec<Action>) {
    let id = &view.group.spec.id;
    for banner in banners(scene, view) {
        // On the tab that a band points to, its button would lead nowhere.
        let offer = match (banner.offer, tab) {
            (Offer::Errors, GroupTab::Errors) => continue,
            (offer, _) => offer,
        };
        banner_ui(ui, banner.icon, banner.tone, &banner.heading, &banner.sentence, |ui| match offer {
            Offer::Nothing => {}
            Offer::Retry => {
                let waits = scene.awaits(|intent| matches!(intent, Intent::RetryGroup { id: of } if of == id));
                let words = if waits { "Retrying…" } else { "Retry" };
                if ui.add(Button::ordinary(words).icon(Icon::Retry).enabled(!waits)).clicked() {
                    actions.push(Action::Send(Intent::RetryGroup { id: id.clone() }));
                }
            }
            Offer::Resume => {
                let waits = scene.awaits(|intent| matches!(intent, Intent::ResumeWorkloads { id: of } if of == id));
                let words = if waits { "Resuming…" } else { "Resume schedules and compute" };
                if ui.add(Button::primary(words).icon(Icon::Play).enabled(!waits)).clicked() {
                    actions.push(Action::Send(Intent::ResumeWorkloads { id: id.clone() }));
                }
            }
            Offer::Errors => {
                if ui.add(Button::ordinary("Show the errors")).clicked() {
                    actions.push(Action::Go(Route::Group(id.clone(), GroupTab::Errors)));
                }
            }
            Offer::Provisional => {
                let waits = scene.awaits(|intent| matches!(intent, Intent::KeepFailover { id: of } if of == id));
                let words = if waits { "Keeping…" } else { "Keep it" };
                if ui.add(Button::primary(words).icon(Icon::Check).enabled(!waits)).clicked() {
                    actions.push(Action::Send(Intent::KeepFailover { id: id.clone() }));
                }
                if ui.add(Button::ordinary("Undo…").icon(Icon::Retry)).clicked() {
                    actions.push(Action::AskUndo(id.clone()));
                }
            }
            Offer::Approval => {
                let own = own_request(scene, view);
                if ui.add(Button::primary("Approve…").icon(Icon::Check).enabled(!own)).clicked() {
                    actions.push(Action::AskApprove(id.clone()));
                }
                let words = if own { "Withdraw" } else { "Refuse" };
                let request = view.pending_approval.as_ref().map(|pending| pending.id.clone());
                let waits = scene.awaits(|intent| matches!(intent, Intent::RefuseApproval { id: of, .. } if of == id));
                if let (true, Some(request)) = (ui.add(Button::ordinary(words).enabled(!waits)).clicked(), request) {
                    actions.push(Action::Send(Intent::RefuseApproval { id: id.clone(), request }));
                }
            }
            Offer::Drills => {
                if ui.add(Button::ordinary("Show the drills")).clicked() {
                    actions.push(Action::Go(Route::Group(id.clone(), GroupTab::Drills)));
                }
            }
            Offer::Steps => {
                if ui.add(Button::ordinary("Watch the failover").icon(Icon::Play)).clicked() {
                    actions.push(Action::Go(Route::Run(id.clone(), None)));
                }
            }
        });
    }
}
