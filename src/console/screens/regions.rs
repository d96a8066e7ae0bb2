//! The regions: whether they answer, where their storage lies, what runs in them.

use super::release_dialog::left_replicas;
use super::resilience::contents;
use super::{page_ui, title_ui};
use crate::console::action::Action;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::shell;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::{Button, card, chip, copy, text};
use crate::control::view::{RegionView, WorkloadView};
use crate::domain::{AssetKind, CatalogName};
use crate::runtime::{Intent, SandboxRegionView};
use eframe::egui::{self, Align, Align2, Layout, Sense, Stroke, Ui, Vec2, WidgetInfo};

/// Draws the screen.
pub fn show(ui: &mut Ui, scene: &Scene<'_>) -> Vec<Action> {
    let mut actions = Vec::new();
    page_ui(ui, "regions", 1240.0, |ui| {
        let sandbox = scene.snapshot.sandbox.is_some();
        let note = if sandbox {
            "Two embedded regions, served over HTTP as real ones are"
        } else {
            "Where the account's workspaces are"
        };
        title_ui(ui, "Regions", note, |ui| {
            let waits = scene.awaits(|intent| matches!(intent, Intent::RefreshRegions));
            let words = if waits { "Reading…" } else { "Refresh" };
            if ui.add(Button::ordinary(words).icon(Icon::Refresh).enabled(!waits)).clicked() {
                actions.push(Action::Send(Intent::RefreshRegions));
            }
        });
        let regions = &scene.account().regions;
        let wide = ui.available_width() > 760.0 && regions.len() > 1;
        if wide {
            let width = (ui.available_width() - space::L) / 2.0;
            for pair in regions.chunks(2) {
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = space::L;
                    for region in pair {
                        ui.allocate_ui_with_layout(Vec2::new(width, 10.0), Layout::top_down(Align::Min), |ui| {
                            ui.set_width(width);
                            card::card_ui(ui, |ui| region_ui(ui, scene, region, &mut actions));
                        });
                    }
                });
            }
        } else {
            for region in regions.iter() {
                card::card_ui(ui, |ui| region_ui(ui, scene, region, &mut actions));
            }
        }
    });
    actions
}

fn region_ui(ui: &mut Ui, scene: &Scene<'_>, region: &RegionView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    let embedded = scene.snapshot.sandbox.iter().flat_map(|s| &s.regions).find(|r| r.region == region.name);
    ui.spacing_mut().item_spacing.y = space::S;
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        text::icon_ui(ui, Icon::Region, 20.0, palette.text_soft);
        ui.label(rich(Role::Heading, region.name.as_str()).color(palette.text));
        if let Some(embedded) = embedded {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| power_ui(ui, scene, embedded, actions));
        }
    });
    ui.spacing_mut().item_spacing = Vec2::splat(space::S);
    ui.horizontal(|ui| {
        ui.set_min_height(26.0);
        match region.unreachable_since {
            None if region.read_at.is_none() => chip::chip_ui(ui, Icon::Clock, Tone::Quiet, "Not read yet", ""),
            None => chip::chip_ui(ui, Icon::Good, Tone::Good, "Responds", ""),
            Some(since) => {
                let age = format::short_age(scene.age_ms(since));
                chip::chip_ui(ui, Icon::Offline, Tone::Bad, "Doesn't respond", &age)
            }
        };
        roles_ui(ui, scene, region);
    });
    card::hairline_ui(ui);
    let mut facts: Vec<(&str, String)> = vec![("Holds", contents(region))];
    if let Some(embedded) = embedded {
        facts.push(("Commits", format!("{} by its jobs since the start", format::count(embedded.commits))));
    }
    if let Some(read_at) = region.read_at {
        let age = format::age(scene.age_ms(read_at));
        facts.push(match scene.is_old(&region.name, read_at) {
            true => ("As of", format!("{}, {age} ago", format::utc(read_at))),
            false => ("Last read", format!("{age} ago")),
        });
    }
    facts.extend(shell::region_clock_notes(region).into_iter().map(|note| ("Clock", note)));
    facts.extend(offer_facts(region, embedded.is_some()));
    for (head, value) in facts {
        fact_ui(ui, head, |ui| {
            text::line_ui(ui, Role::Body, palette.text, &value);
        });
    }
    let storage = region.storage_root.as_ref().or(embedded.map(|embedded| &embedded.storage_root));
    if let Some(storage) = storage {
        fact_ui(ui, "Storage", |ui| copy::path_ui(ui, &format!("the storage root of {}", region.name), storage));
    }
    if let Some(embedded) = embedded {
        fact_ui(ui, "REST API", |ui| {
            copy::path_ui(ui, &format!("the URL of {}", region.name), &embedded.workspace_url)
        });
    }
    left_replicas_ui(ui, region, actions);
    ui.add_space(space::XS);
    workloads_ui(ui, scene, region);
}

/// What a region of one's own keeps up by itself, and what it doesn't.
fn offer_facts(region: &RegionView, embedded: bool) -> Vec<(&'static str, String)> {
    let Some(offers) = region.offers.filter(|_| !embedded) else { return Vec::new() };
    let fence = if offers.enforces_read_only {
        "Enforced by workspace bindings"
    } else {
        "Advisory: nothing keeps writers out"
    };
    let replicas =
        if offers.managed_by_path { "Managed tables stay managed" } else { "Managed tables arrive as EXTERNAL tables" };
    vec![("Fence", fence.to_owned()), ("Replicas", replicas.to_owned())]
}

/// Read-only replicas of deleted groups until someone releases them.
fn left_replicas_ui(ui: &mut Ui, region: &RegionView, actions: &mut Vec<Action>) {
    let palette = theme::palette(ui);
    if left_replicas(&region.catalogs).next().is_none() {
        return;
    }
    ui.add_space(space::XS);
    ui.label(rich(Role::Label, "Read-only replicas of deleted groups").color(palette.text_soft));
    for (catalog, group) in left_replicas(&region.catalogs) {
        card::sides_ui(
            ui,
            28.0,
            |ui| {
                text::icon_ui(ui, Icon::Catalog, 16.0, palette.text_weak);
                text::line_ui(ui, Role::Body, palette.text, catalog);
                text::line_ui(ui, Role::Small, palette.text_weak, &format!("left by {group}"));
            },
            |ui| {
                let name = format!("Release {catalog}…");
                let hint = "Lets the workspace in this region write to it";
                if ui.add(Button::ordinary("Release…").name(&name).small().hint(hint)).clicked() {
                    actions.push(Action::AskRelease(region.name.clone(), CatalogName::new(catalog)));
                }
            },
        );
    }
}

fn fact_ui(ui: &mut Ui, head: &str, value: impl FnOnce(&mut Ui)) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.set_min_height(24.0);
        let (rect, _) = ui.allocate_exact_size(Vec2::new(80.0, 20.0), Sense::hover());
        text::paint(ui, rect, Align2::LEFT_CENTER, Role::Body, palette.text_weak, head);
        value(ui);
    });
}

fn roles_ui(ui: &mut Ui, scene: &Scene<'_>, region: &RegionView) {
    let palette = theme::palette(ui);
    let of = |primary: bool| -> Vec<&str> {
        let groups = scene.account().groups.iter();
        let in_region = groups.filter(|view| view.group.spec.regions.contains(&region.name));
        in_region
            .filter(|view| (view.group.effective_primary_region == region.name) == primary)
            .map(|view| view.group.spec.id.as_str())
            .collect()
    };
    let (primary, secondary) = (of(true), of(false));
    let words = match (primary.is_empty(), secondary.is_empty()) {
        (true, true) => "In no failover group".to_owned(),
        (false, true) => format!("Primary of {}", primary.join(", ")),
        (true, false) => format!("Secondary of {}", secondary.join(", ")),
        (false, false) => format!("Primary of {} · secondary of {}", primary.join(", "), secondary.join(", ")),
    };
    text::line_ui(ui, Role::Body, palette.text_soft, &words);
}

fn power_ui(ui: &mut Ui, scene: &Scene<'_>, region: &SandboxRegionView, actions: &mut Vec<Action>) {
    let waits = scene.awaits(|intent| match intent {
        Intent::TakeRegionDown { region: of } | Intent::BringRegionUp { region: of } => *of == region.region,
        _ => false,
    });
    let name = region.region.clone();
    if region.up {
        let label = format!("Take {name} down");
        let hint = "The region and its jobs stop, as in an outage";
        let button = Button::ordinary("Take down").name(&label).icon(Icon::Power).small().enabled(!waits).hint(hint);
        if ui.add(button).clicked() {
            actions.push(Action::Send(Intent::TakeRegionDown { region: name }));
        }
    } else {
        let label = format!("Bring {name} up");
        let button = Button::primary("Bring up").name(&label).icon(Icon::Power).small().enabled(!waits);
        if ui.add(button).clicked() {
            actions.push(Action::Send(Intent::BringRegionUp { region: name }));
        }
    }
}

/// The sign and words for something that runs or is scheduled.
pub fn workload_sign(workload: &WorkloadView) -> (Icon, Tone, String) {
    let state = workload.state.to_lowercase().replace('_', " ");
    match (workload.kind, workload.running) {
        (AssetKind::Job, true) => (Icon::Play, Tone::Good, "schedule on".to_owned()),
        (AssetKind::Job, false) => (Icon::Pause, Tone::Quiet, "schedule paused".to_owned()),
        (_, true) => (Icon::Play, Tone::Good, state),
        (_, false) => (Icon::Circle, Tone::Quiet, state),
    }
}

fn workloads_ui(ui: &mut Ui, scene: &Scene<'_>, region: &RegionView) {
    let palette = theme::palette(ui);
    let in_region = scene.account().workspaces.iter().filter(|workspace| workspace.region == region.name);
    let read_at: Option<Vec<_>> = in_region.map(|workspace| workspace.read_at).collect();
    let read_at = read_at.and_then(|all| all.into_iter().min());
    let label = match (read_at, read_at.and_then(|at| scene.as_of(&region.name, at))) {
        (None, _) if !region.workloads.is_empty() => "Jobs and compute, as of the last run of the console".to_owned(),
        (_, Some(as_of)) => format!("Jobs and compute, {as_of}"),
        _ => "Jobs and compute".to_owned(),
    };
    ui.label(rich(Role::Label, label).color(palette.text_soft));
    if region.workloads.is_empty() {
        let words = if read_at.is_some() { "None." } else { "Not read yet." };
        ui.label(rich(Role::Body, words).color(palette.text_weak));
        return;
    }
    ui.spacing_mut().item_spacing.y = 0.0;
    for workload in &region.workloads {
        let (icon, tone, words) = workload_sign(workload);
        let (rect, response) = ui.allocate_exact_size(Vec2::new(ui.available_width(), 30.0), Sense::hover());
        ui.painter().hline(rect.x_range(), rect.top() + 0.5, Stroke::new(1.0, palette.border.gamma_multiply(0.6)));
        let sign = text::line(ui, Role::Small, palette.text_soft, &words, f32::INFINITY);
        let at = egui::pos2(rect.right() - sign.size().x, rect.center().y - sign.size().y / 2.0);
        let icon_at = egui::pos2(at.x - 12.0, rect.center().y);
        ui.painter().galley(at, sign, palette.text_soft);
        icon.paint(ui.painter(), icon_at, 15.0, palette.tone(tone));
        let kind = format::capitalised(workload.kind.label());
        let kinds = rect.with_max_x(rect.left() + 104.0);
        text::paint(ui, kinds, Align2::LEFT_CENTER, Role::Small, palette.text_weak, &kind);
        let name = egui::Rect::from_min_max(
            egui::pos2(rect.left() + 108.0, rect.top()),
            egui::pos2(icon_at.x - 14.0, rect.bottom()),
        );
        text::paint(ui, name, Align2::LEFT_CENTER, Role::Body, palette.text, &workload.name);
        response.widget_info(|| {
            WidgetInfo::labeled(egui::Role::Label, true, format!("{} {}: {words}", workload.kind, workload.name))
        });
    }
}
