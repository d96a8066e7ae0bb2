//! What a tile of the wall display says.

use crate::console::format;
use crate::console::scene::Scene;
use crate::console::screens::group::proof_is_old;
use crate::console::theme::{Icon, Tone};
use crate::console::widgets::chip;
use crate::control::view::GroupView;
use crate::domain::{GroupId, GroupState, Region, StepStatus};

/// How much a group needs a person; the worst comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Urgency {
    /// Something stopped and waits for a person.
    Failed,
    /// Nothing could take over, a region is away, or the target is missed.
    Attention,
    /// Something is under way.
    UnderWay,
    /// All is well.
    Well,
}

/// One tile.
#[derive(Debug, Clone, PartialEq)]
pub struct Tile {
    /// The group.
    pub id: GroupId,
    /// How much it needs a person.
    pub urgency: Urgency,
    /// The sign of its state.
    pub icon: Icon,
    /// How much the sign matters.
    pub tone: Tone,
    /// The state.
    pub state: GroupState,
    /// The one figure to read from afar: `4`, `43%`.
    pub figure: String,
    /// What the figure is: `s behind`, `arrived`.
    pub unit: String,
    /// What is wrong or under way, in a few words; empty where nothing is.
    pub detail: String,
    /// `us-east-1 → us-west-2`, the primary first.
    pub direction: String,
    /// When it was last shown that the secondary can take over.
    pub proven: String,
    /// Whether that is too long ago.
    pub proof_is_old: bool,
}

impl Tile {
    /// The tile as a sentence, for screen readers.
    pub fn spoken(&self) -> String {
        let detail = if self.detail.is_empty() { String::new() } else { format!(", {}", self.detail) };
        format!("{}, {}, {} {}{detail}, {}", self.id, self.state, self.figure, self.unit, self.proven)
    }
}

/// A tile for every group, worst first; among equals the one that is furthest behind.
pub fn tiles(scene: &Scene<'_>) -> Vec<Tile> {
    let mut found: Vec<(Urgency, i64, Tile)> = scene
        .account()
        .groups
        .iter()
        .map(|view| {
            let tile = tile(scene, view);
            let behind = view.group.replication_point.map_or(i64::MAX, |point| format::since(point, scene.now));
            (tile.urgency, behind / 60_000, tile)
        })
        .collect();
    // By whole minutes behind: tiles must not change places with every second.
    found.sort_by(|a, b| a.0.cmp(&b.0).then(b.1.cmp(&a.1)).then(a.2.id.cmp(&b.2.id)));
    found.into_iter().map(|(_, _, tile)| tile).collect()
}

fn tile(scene: &Scene<'_>, view: &GroupView) -> Tile {
    let group = &view.group;
    let told = !scene.is_of_another_account();
    let (urgency, detail) = standing(scene, view);
    let (icon, tone) = chip::group_sign(group);
    let (figure, unit) = figure(scene, view);
    let tone = match urgency {
        Urgency::Failed => Tone::Bad,
        Urgency::Attention if tone != Tone::Bad => Tone::Warn,
        _ => tone,
    };
    let icon = if urgency == Urgency::Attention && icon == Icon::Good { Icon::Warn } else { icon };
    Tile {
        id: group.spec.id.clone(),
        urgency,
        icon,
        tone,
        state: group.state,
        figure,
        unit,
        detail,
        direction: format!("{} → {}", group.effective_primary_region, group.effective_secondary_region()),
        proven: match &view.rehearsals.last_proof {
            _ if !told => "Proof isn't told".to_owned(),
            Some(proof) => format!("Proven {} ago", format::short_age(scene.age_ms(proof.at))),
            None => "Never proven".to_owned(),
        },
        proof_is_old: proof_is_old(scene, view).is_some(),
    }
}

fn figure(scene: &Scene<'_>, view: &GroupView) -> (String, String) {
    let group = &view.group;
    if group.state == GroupState::FailingOver {
        let started = view.operation.as_ref().map_or(view.state_since, |operation| operation.started);
        return age(scene.age_ms(started), "so far");
    }
    match (group.replication_point, group.initial_replication_progress) {
        (None, Some(percent)) => (format!("{percent}%"), "arrived".to_owned()),
        (Some(point), _) => age(scene.age_ms(point), "behind"),
        (None, None) => ("—".to_owned(), "no replica yet".to_owned()),
    }
}

/// An age as a number, and its unit with what the age is of.
fn age(milliseconds: i64, of: &str) -> (String, String) {
    let age = format::short_age(milliseconds);
    let (number, unit) = age.split_once(' ').unwrap_or((&age, ""));
    let number = if number == "0" { "<1" } else { number };
    (number.to_owned(), format!("{unit} {of}"))
}

/// How much the group needs a person, and why.
fn standing(scene: &Scene<'_>, view: &GroupView) -> (Urgency, String) {
    let group = &view.group;
    let away = |name: &Region| scene.region(name).is_some_and(|region| region.unreachable_since.is_some());
    let regions = [&group.effective_primary_region, group.effective_secondary_region()];
    let away = regions.into_iter().find(|region| away(region)).map(|region| format!("{region} is away"));
    let targets = scene.targets(&group.spec.id);
    let behind = group.replication_point.map(|point| u64::try_from(scene.age_ms(point)).unwrap_or(0));
    match group.state {
        GroupState::CreationFailed | GroupState::FailoverFailed | GroupState::DeletionFailed => {
            (Urgency::Failed, "Waits for a retry".to_owned())
        }
        GroupState::FailingOver => (Urgency::UnderWay, step(view)),
        _ if chip::is_unprotected(group) => {
            let percent = group.initial_replication_progress.unwrap_or(0);
            (Urgency::Attention, format!("Unprotected · {percent}%"))
        }
        _ if away.is_some() => (Urgency::Attention, away.unwrap_or_default()),
        // Another account tells that there are errors, and not which.
        _ if group.has_replication_point_blocking_errors && view.errors.is_empty() => {
            (Urgency::Attention, "Held back by errors".to_owned())
        }
        _ if group.has_replication_point_blocking_errors => {
            (Urgency::Attention, format::plural(view.errors.len(), "error", "errors"))
        }
        _ if behind.is_some_and(|behind| targets.is_breached_by(behind)) => {
            let target = targets.rpo_s.map_or(0, i64::from);
            (Urgency::Attention, format!("Target {}", format::short_age(target * 1000)))
        }
        GroupState::Active if !view.to_resume.is_empty() => {
            (Urgency::Attention, format!("{} to resume", view.to_resume.len()))
        }
        GroupState::Active if !view.errors.is_empty() => {
            (Urgency::Well, format::plural(view.errors.len(), "error", "errors"))
        }
        GroupState::Active => (Urgency::Well, String::new()),
        _ => (Urgency::UnderWay, String::new()),
    }
}

/// The step that a failover is at.
fn step(view: &GroupView) -> String {
    let steps = view.operation.iter().flat_map(|operation| &operation.steps);
    let mut running = steps.filter(|step| step.status == StepStatus::Running);
    running.next().map_or_else(String::new, |step| step.step.label().to_owned())
}
