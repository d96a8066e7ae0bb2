//! The live summary beside the form: what will be created, what must hold, and the two buttons.

use super::model::{Standing, requirements};
use super::{CreateForm, scope};
use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::screens::group::readiness::{sign, words as readiness_words};
use crate::console::theme::{self, Icon, Role, Tone, radius, rich, space};
use crate::console::widgets::{Button, card, field, text};
use crate::control::view::RegionView;
use crate::domain::{FailoverGroupSpec, Violation, validation};
use crate::runtime::Intent;
use eframe::egui::{self, CornerRadius, Frame, Margin, ScrollArea, Ui};

/// Draws the summary; whether a button was pressed, and whether it was Validate.
pub fn summary_ui(
    ui: &mut Ui,
    scene: &Scene<'_>,
    form: &CreateForm,
    violations: &[Violation],
    actions: &mut Vec<Action>,
) -> Option<bool> {
    let palette = theme::palette(ui);
    let mut pressed = None;
    ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
        ui.spacing_mut().item_spacing.y = space::M;
        ui.label(rich(Role::Heading, "Summary").color(palette.text));
        facts_ui(ui, scene, form);
        card::hairline_ui(ui);
        ui.label(rich(Role::Heading, "Requirements").color(palette.text));
        ui.scope(|ui| {
            ui.spacing_mut().item_spacing.y = space::S;
            let all: Vec<_> = violations.iter().chain(form.refused()).cloned().collect();
            for requirement in requirements(&form.draft, scene, &all) {
                let (icon, tone) = match requirement.standing {
                    Standing::Met => (Icon::Good, Tone::Good),
                    Standing::Open => (Icon::Circle, Tone::Quiet),
                    Standing::Broken => (Icon::Bad, Tone::Bad),
                };
                let ink = if requirement.standing == Standing::Open { palette.text_weak } else { palette.text };
                ui.horizontal_top(|ui| {
                    text::icon_ui(ui, icon, 17.0, palette.tone(tone));
                    ui.add(egui::Label::new(rich(Role::Body, requirement.words).color(ink)).wrap());
                });
            }
        });
        for note in strategy_notes(form.draft.primary_region(scene), form.draft.secondary_region(scene)) {
            ui.horizontal_top(|ui| {
                text::icon_ui(ui, Icon::Warn, 17.0, palette.tone(Tone::Warn));
                ui.add(egui::Label::new(rich(Role::Body, note).color(palette.text)).wrap());
            });
        }
        card::hairline_ui(ui);
        if let Some(sentence) = &form.refusal {
            field::problems_ui(ui, [sentence.as_str()]);
        }
        if !form.refused().is_empty() {
            ui.label(rich(Role::Label, "Refused by the runtime").color(palette.text_soft));
            field::problems_ui(ui, form.refused().iter().map(|violation| violation.sentence.as_str()));
        }
        let spec = form.draft.spec(scene);
        if spec.is_some() && form.checked == spec {
            checked_ui(ui);
        }
        let waiting = scene.awaits(|intent| matches!(intent, Intent::CreateGroup { .. }));
        let creating = scene.awaits(|intent| matches!(intent, Intent::CreateGroup { validate_only: false, .. }));
        let width = ui.available_width();
        let words = if creating { "Creating…" } else { "Create failover group" };
        let create = Button::primary(words).icon(Icon::Add).min_width(width).enabled(!waiting);
        if ui.add(create).clicked() {
            pressed = Some(false);
        }
        let words = if waiting && !creating { "Validating…" } else { "Validate" };
        let hint = "Checks both regions. Creates nothing.";
        if ui.add(Button::ordinary(words).min_width(width).enabled(!waiting).hint(hint)).clicked() {
            pressed = Some(true);
        }
        if let Some(spec) = spec.filter(|_| violations.is_empty()) {
            readiness_ui(ui, scene, form, &spec, actions);
        }
    });
    pressed
}

/// What the form's group needs beyond the rules, as both regions tell it, and what no API tells.
fn readiness_ui(
    ui: &mut Ui,
    scene: &Scene<'_>,
    form: &CreateForm,
    spec: &FailoverGroupSpec,
    actions: &mut Vec<Action>,
) {
    let palette = theme::palette(ui);
    let intent = Intent::CheckReadinessOf { spec: Box::new(spec.clone()) };
    let waits = scene.awaits(|sent| *sent == intent);
    let words = if waits { "Checking…" } else { "Check readiness" };
    let hint = "Lists line by line what both regions need, and what you have to confirm.";
    let width = ui.available_width();
    if ui.add(Button::ordinary(words).min_width(width).enabled(!waits).hint(hint)).clicked() {
        actions.push(Action::Send(intent));
    }
    let found = form.readiness.as_ref().filter(|(of, _)| of == spec);
    for line in found.into_iter().flat_map(|(_, report)| &report.lines) {
        let (icon, tone) = sign(line.status);
        ui.horizontal_top(|ui| {
            text::icon_ui(ui, icon, 17.0, palette.tone(tone));
            ui.add(egui::Label::new(rich(Role::Small, readiness_words(line)).color(palette.text)).wrap());
        });
    }
}

fn checked_ui(ui: &mut Ui) {
    let palette = theme::palette(ui);
    Frame::new()
        .fill(palette.wash(Tone::Good))
        .corner_radius(CornerRadius::same(radius::M))
        .inner_margin(Margin::same(10))
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.horizontal_top(|ui| {
                text::icon_ui(ui, Icon::Good, 17.0, palette.good);
                let sentence = "Both regions passed every check. Nothing was created.";
                ui.add(egui::Label::new(rich(Role::Small, sentence).color(palette.text)).wrap());
            });
        });
}

/// What will be created, a line a fact.
pub fn facts(scene: &Scene<'_>, form: &CreateForm) -> Vec<(&'static str, Option<String>)> {
    let draft = &form.draft;
    let workspace = |found: Option<&crate::control::view::WorkspaceView>| {
        found.map(|workspace| format!("{} · {}", workspace.name, workspace.region))
    };
    let scope = draft
        .primary_region(scene)
        .filter(|_| !draft.catalogs.is_empty())
        .map(|region| scope::totals(&region.catalogs, &draft.catalogs));
    let locations = draft.locations(scene);
    let covered = locations.iter().filter(|row| row.covered.is_some()).count();
    let mapped = (!locations.is_empty())
        .then(|| format!("{covered} of {} covered", format::plural(locations.len(), "location", "locations")));
    let taken: usize = scene.account().groups.iter().map(|view| view.group.catalogs().len()).sum();
    let after = taken + draft.catalogs.len();
    vec![
        ("Name", (!draft.name.trim().is_empty()).then(|| draft.name.trim().to_owned())),
        ("Primary", workspace(draft.primary_of(scene))),
        ("Secondary", workspace(draft.secondary_of(scene))),
        ("Scope", scope),
        ("Storage", mapped),
        ("Assets", Some(if draft.assets { "Workspace assets replicate" } else { "Catalogs only" }.to_owned())),
        ("Account", Some(format!("{after} of {} catalogs", validation::MAX_CATALOGS))),
    ]
}

/// What the two regions can't keep up, before a group is created on them: as what managed tables arrive, what that means
/// for failing back, and where a fence is only advice.
fn strategy_notes(primary: Option<&RegionView>, secondary: Option<&RegionView>) -> Vec<String> {
    let mut notes = Vec::new();
    let offers =
        |region: Option<&RegionView>| region.and_then(|region| Some((region.name.to_string(), region.offers?)));
    let (from, to) = (offers(primary), offers(secondary));
    if let Some((name, _)) = to.as_ref().filter(|(_, offers)| !offers.managed_by_path) {
        notes.push(format!(
            "Managed tables become EXTERNAL tables in {name}, at their mapped paths. Versions, history and bytes are kept."
        ));
    }
    if let Some((name, _)) = from.as_ref().filter(|(_, offers)| !offers.managed_by_path) {
        notes.push(format!(
            "{name} takes no commits by path into managed tables. To fail back, rename or drop a managed table there and map its path outside managed storage. EXTERNAL tables fail back as they are."
        ));
    }
    let advisory: Vec<String> = [from, to]
        .into_iter()
        .flatten()
        .filter(|(_, offers)| !offers.enforces_read_only)
        .map(|(name, _)| name)
        .collect();
    if !advisory.is_empty() {
        notes.push(format!(
            "The fence is advisory in {}: nothing keeps writers out. Stop them yourself before a failover.",
            advisory.join(" and ")
        ));
    }
    notes
}

fn facts_ui(ui: &mut Ui, scene: &Scene<'_>, form: &CreateForm) {
    let palette = theme::palette(ui);
    ui.scope(|ui| {
        ui.spacing_mut().item_spacing.y = space::S;
        for (head, value) in facts(scene, form) {
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = space::S;
                ui.allocate_ui_with_layout(
                    egui::vec2(78.0, 18.0),
                    egui::Layout::left_to_right(egui::Align::Min),
                    |ui| {
                        ui.set_width(78.0);
                        ui.label(rich(Role::Body, head).color(palette.text_weak));
                    },
                );
                match value {
                    Some(value) => ui.add(egui::Label::new(rich(Role::Body, value).color(palette.text)).wrap()),
                    None => ui.label(rich(Role::Body, "—").color(palette.text_weak)),
                };
            });
        }
    });
}
