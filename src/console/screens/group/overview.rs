//! A group at a glance: replication point, lag over the last hour, objects, definition.

use super::page::tab_page_ui;
use super::past::Past;
use super::{banners, chart, operations, readiness};
use crate::console::action::{Action, GroupTab, Route};
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Role, Tone, rich, space};
use crate::console::widgets::{button, card, chip, copy, progress, text};
use crate::control::view::{GroupView, OperationOutcome};
use crate::domain::{ApprovalPolicy, CatalogName, GroupState, ObjectStatus, Region};
use chrono::SecondsFormat;
use eframe::egui::{self, Align, Layout, ScrollArea, Ui};

/// Height of the two cards at the bottom, so that they end on one line.
const DEFINITION_HEIGHT: f32 = 223.0;

/// Draws the tab.
pub fn overview_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, past: &mut Past, actions: &mut Vec<Action>) {
    ScrollArea::vertical().id_salt("overview").auto_shrink(false).show(ui, |ui| {
        tab_page_ui(ui, |ui| {
            ui.spacing_mut().item_spacing.y = space::L;
            let running = view.operation.as_ref().filter(|operation| operation.outcome == OperationOutcome::Running);
            if let Some(operation) = running {
                card::card_ui(ui, |ui| operations::operation_ui(ui, scene, operation));
            }
            let replicates = view.provisional.is_none();
            if replicates && matches!(view.group.state, GroupState::Creating | GroupState::InitialReplication) {
                card::card_ui(ui, |ui| progress_ui(ui, scene, view));
            }
            card::card_ui(ui, |ui| point_ui(ui, scene, view));
            card::card_ui(ui, |ui| chart::chart_ui(ui, scene, view, past, actions));
            let gap = space::L;
            let width = (ui.available_width() - gap) / 2.0;
            ui.horizontal_top(|ui| {
                ui.spacing_mut().item_spacing.x = gap;
                ui.allocate_ui_with_layout(egui::vec2(width, 10.0), Layout::top_down(Align::Min), |ui| {
                    ui.set_width(width);
                    card::card_ui(ui, |ui| {
                        // As high as the definition beside it.
                        ui.set_min_height(DEFINITION_HEIGHT);
                        objects_ui(ui, scene, view, actions);
                    });
                });
                ui.allocate_ui_with_layout(egui::vec2(width, 10.0), Layout::top_down(Align::Min), |ui| {
                    ui.set_width(width);
                    card::card_ui(ui, |ui| {
                        ui.set_min_height(DEFINITION_HEIGHT);
                        definition_ui(ui, scene, view, actions);
                    });
                });
            });
            card::card_ui(ui, |ui| readiness::readiness_ui(ui, scene, view, actions));
        });
    });
}

fn progress_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView) {
    let palette = theme::palette(ui);
    let group = &view.group;
    if group.state == GroupState::Creating {
        ui.label(rich(Role::Strong, "Preparing the regions").color(palette.text));
        progress::progress_ui(ui, 0.0, Tone::Busy, 8.0, "Creation");
        let note = "The console creates roles, catalogs and bindings. Then the first replication starts.";
        ui.label(rich(Role::Small, note).color(palette.text_weak));
        return;
    }
    let percent = group.initial_replication_progress.unwrap_or(0);
    let again = group.epoch > 1;
    let secondary = group.effective_secondary_region();
    let away = scene.region(secondary).is_some_and(|region| region.unreachable_since.is_some());
    let heading = match (away, again) {
        (true, _) => format!("Waiting for {secondary} to respond"),
        (false, true) => "Completing the replica in the new direction".to_owned(),
        (false, false) => "First replication".to_owned(),
    };
    ui.horizontal(|ui| {
        ui.label(rich(Role::Strong, heading).color(palette.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(rich(Role::FigureSmall, format!("{percent}%")).color(palette.text));
        });
    });
    progress::progress_ui(ui, f32::from(percent) / 100.0, Tone::Busy, 8.0, &format!("{percent} percent replicated"));
    let cycle = &view.cycle;
    let mut parts = Vec::new();
    if cycle.bytes_total > 0 {
        parts.push(format!("{} of {}", format::bytes(cycle.bytes_copied), format::bytes(cycle.bytes_total)));
    }
    let whole = view.objects.iter().filter(|object| object.status == ObjectStatus::InSync).count();
    if !view.objects.is_empty() {
        parts.push(format!("{whole} of {} complete", format::plural(view.objects.len(), "object", "objects")));
    }
    if let Some(left) = banners::eta(cycle, scene) {
        parts.push(format!("about {left} left"));
    }
    ui.label(rich(Role::Small, parts.join(" · ")).color(palette.text_weak));
}

/// The three numbers beside the replication point.
pub fn numbers(view: &GroupView, scene: &Scene<'_>) -> [(&'static str, String, Option<String>); 3] {
    let unknown = || "unknown".to_owned();
    let group = view.lag_ms.map_or_else(unknown, format::lag);
    let without = match view.point_without_failing {
        Some(point) if Some(point) != view.group.replication_point => {
            format::duration(format::since(point, scene.now) as f64 / 1000.0)
        }
        Some(_) => group.clone(),
        None => unknown(),
    };
    let (worst, name) = match &view.worst_object {
        // What was true of an object once says nothing of its lag now.
        _ if view.as_of.is_some() || view.objects.is_empty() => (unknown(), None),
        Some((name, lag)) => (format::lag(*lag), Some(name.clone())),
        None if view.lag_ms.is_some() => ("none".to_owned(), None),
        None => (unknown(), None),
    };
    [("Whole group", group, None), ("Without failing", without, None), ("Worst object", worst, name)]
}

/// Who holds the replication point back, and where it would be without them; None while no one does.
pub fn held_back(view: &GroupView) -> Option<String> {
    let without = view.point_without_failing.filter(|point| Some(*point) > view.group.replication_point)?;
    let holders = banners::blocking_objects(view);
    if holders == 0 {
        return None;
    }
    let verb = if holders == 1 { "holds" } else { "hold" };
    let who = format::plural(holders, "object", "objects");
    Some(format!("{who} {verb} the point back; without them: {}", format::utc(without)))
}

fn point_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView) {
    let palette = theme::palette(ui);
    ui.horizontal_top(|ui| {
        let width = (ui.available_width() * 0.42).max(300.0);
        ui.allocate_ui_with_layout(egui::vec2(width, 10.0), Layout::top_down(Align::Min), |ui| {
            ui.set_width(width);
            ui.spacing_mut().item_spacing.y = space::XS;
            ui.label(rich(Role::Label, "Replication point").color(palette.text_weak));
            match view.group.replication_point {
                Some(point) => {
                    let held = view.group.has_replication_point_blocking_errors;
                    let ink = if held { palette.bad } else { palette.text };
                    text::figure_ui(ui, &format!("{} behind", format::age(scene.age_ms(point))), ink);
                    ui.horizontal(|ui| {
                        ui.label(rich(Role::MonoSmall, format::utc(point)).color(palette.text_soft));
                        ui.label(rich(Role::MonoSmall, "·").color(palette.text_weak));
                        let local = format::local(point, scene.local_offset(point));
                        ui.label(rich(Role::MonoSmall, local).color(palette.text_weak));
                        copy::copy_ui(ui, "the replication point", &point.to_rfc3339_opts(SecondsFormat::Millis, true));
                    });
                    if let Some(sentence) = held_back(view) {
                        ui.add(egui::Label::new(rich(Role::Small, sentence).color(palette.bad)).wrap());
                    }
                }
                None => {
                    ui.label(rich(Role::Figure, "—").color(palette.text_weak));
                    let note = "There is none until everything in scope has arrived once.";
                    ui.label(rich(Role::Small, note).color(palette.text_weak));
                }
            }
        });
        let numbers = numbers(view, scene);
        let each = (ui.available_width() - 2.0 * space::L) / 3.0;
        for (head, value, detail) in numbers {
            ui.allocate_ui_with_layout(egui::vec2(each, 10.0), Layout::top_down(Align::Min), |ui| {
                ui.set_width(each);
                ui.spacing_mut().item_spacing.y = space::XS;
                ui.label(rich(Role::Label, head).color(palette.text_weak));
                ui.add_space(5.0);
                let known = value.starts_with(|c: char| c.is_ascii_digit());
                let (role, ink) =
                    if known { (Role::FigureSmall, palette.text) } else { (Role::Body, palette.text_soft) };
                ui.label(rich(role, value).color(ink).line_height(Some(23.0)));
                if let Some(detail) = detail {
                    text::line_ui(ui, Role::Small, palette.text_weak, &detail);
                }
            });
        }
    });
}

/// How many objects have each status, as the bar and the list show them.
pub fn tally(view: &GroupView) -> Vec<(ObjectStatus, usize)> {
    let order = [
        ObjectStatus::Failed,
        ObjectStatus::Drifted,
        ObjectStatus::Missing,
        ObjectStatus::LeftBehind,
        ObjectStatus::Unsupported,
        ObjectStatus::Unverifiable,
        ObjectStatus::Unknown,
        ObjectStatus::Excluded,
        ObjectStatus::Lagging,
        ObjectStatus::InSync,
    ];
    let count = |status| view.objects.iter().filter(|object| object.status == status).count();
    order.into_iter().map(|status| (status, count(status))).filter(|(_, count)| *count > 0).collect()
}

fn objects_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        ui.label(rich(Role::Heading, "Objects").color(palette.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if button::link_ui(ui, "Show all", "Show all objects").clicked() {
                actions.push(Action::Go(Route::Group(view.group.spec.id.clone(), GroupTab::Objects)));
            }
        });
    });
    let tally = tally(view);
    if tally.is_empty() {
        let told = !scene.is_of_another_account();
        let words = if told { "No objects yet." } else { "This account's API doesn't tell objects." };
        ui.label(rich(Role::Body, words).color(palette.text_weak));
        return;
    }
    if let Some(as_of) = view.as_of {
        let line = format!("As of {}", format::utc(as_of));
        ui.label(rich(Role::Small, line).color(palette.text_weak));
    }
    let parts: Vec<_> =
        tally.iter().map(|(status, count)| (*count, chip::status_sign_in(*status, view.group.state).1)).collect();
    progress::parts_ui(ui, &parts, "Objects by status");
    ui.add_space(space::XS);
    ui.spacing_mut().item_spacing.y = 3.0;
    for (status, count) in tally {
        let (icon, tone) = chip::status_sign_in(status, view.group.state);
        ui.horizontal(|ui| {
            text::icon_ui(ui, icon, 16.0, palette.tone(tone));
            ui.label(rich(Role::Body, status.label()).color(palette.text));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(rich(Role::Mono, format::count(count as u64)).color(palette.text_soft));
            });
        });
    }
}

/// Who must agree to a failover.
pub fn approval_words(policy: ApprovalPolicy) -> &'static str {
    match (policy.required, policy.forced_exempt) {
        (false, _) => "one person fails over",
        (true, false) => "a second person approves every failover",
        (true, true) => "a second person approves planned failovers",
    }
}

/// Where the fence is only advice, and where it is enforced; nothing where both regions enforce it.
fn advisory_fence(scene: &Scene<'_>, regions: &[Region]) -> Option<String> {
    let known = || regions.iter().filter_map(|name| Some((name, scene.region(name)?.offers?.enforces_read_only)));
    let words =
        |(name, enforced): (&Region, bool)| format!("{} in {name}", if enforced { "enforced" } else { "advisory" });
    known().any(|(_, enforced)| !enforced).then(|| known().map(words).collect::<Vec<_>>().join(", "))
}

fn definition_ui(ui: &mut Ui, scene: &Scene<'_>, view: &GroupView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let group = &view.group;
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        ui.label(rich(Role::Heading, "Definition").color(palette.text));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            if button::link_ui(ui, "Approval…", "Change who must approve a failover").clicked() {
                actions.push(Action::AskApproval(group.spec.id.clone()));
            }
        });
    });
    let workspaces: Vec<_> = group
        .spec
        .data_workspace_set()
        .map(|set| set.workspace_ids.iter().map(|id| scene.workspace_name(id)).collect())
        .unwrap_or_default();
    let mappings = group.spec.unity_catalog_assets.as_ref().map_or(0, |assets| assets.location_mappings.len());
    let cycle = &view.cycle;
    let last = match cycle.seconds {
        Some(seconds) => format!(
            "no. {} took {} · {} changed",
            format::count(cycle.iteration),
            format::duration(seconds),
            format::plural(cycle.changed as usize, "table", "tables")
        ),
        None => "none finished yet".to_owned(),
    };
    let mut facts = vec![
        ("Catalogs", CatalogName::list(group.catalogs())),
        ("Workspaces", workspaces.join(", ")),
        ("Storage", format::plural(mappings, "mapping", "mappings")),
        ("Approval", approval_words(view.approval).to_owned()),
        ("Last cycle", last),
        ("Epoch", group.epoch.to_string()),
        ("Created", format::utc(group.create_time)),
    ];
    if let Some(fence) = advisory_fence(scene, &group.spec.regions) {
        facts.push(("Fence", fence));
    }
    ui.spacing_mut().item_spacing.y = 3.0;
    for (head, value) in facts {
        ui.horizontal(|ui| {
            ui.set_min_height(24.0);
            let (rect, _) = ui.allocate_exact_size(egui::vec2(92.0, 18.0), egui::Sense::hover());
            text::paint(ui, rect, egui::Align2::LEFT_CENTER, Role::Body, palette.text_weak, head);
            text::line_ui(ui, Role::Body, palette.text, &value);
        });
    }
}
