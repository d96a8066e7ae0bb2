//! The replication scope: catalogs with their schemas and tables below.

use super::model::Draft;
use crate::console::format;
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, Tone, rich, space};
use crate::console::widgets::{button, field, field::Tick, text};
use crate::control::view::{CatalogView, SchemaView, TableEntry};
use crate::domain::{AssetKind, same_name};
use eframe::egui::{
    self, CornerRadius, CursorIcon, EventFilter, Frame, Key, Rect, Sense, Stroke, Ui, Vec2, WidgetInfo,
};
use std::collections::BTreeSet;

/// One line of the tree.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// 0 for a catalog, 1 for a schema, 2 for a table or view.
    pub depth: usize,
    /// Full name.
    pub path: String,
    /// Last part of it.
    pub label: String,
    /// What it is.
    pub kind: AssetKind,
    /// Whether what is below it is shown; None where nothing can be.
    pub open: Option<bool>,
    /// In scope, in part, or not.
    pub tick: Tick,
    /// What is in it.
    pub note: String,
    /// Why it cannot be replicated, or cannot be chosen.
    pub problem: Option<String>,
    /// Whether it can be chosen.
    pub free: bool,
}

/// Which lines are open and what is searched.
#[derive(Debug, Clone, Default)]
pub struct TreeState {
    open: BTreeSet<String>,
    search: String,
}

/// The tree as lines, search applied: a match keeps its ancestors and, opened, what led to it.
pub fn nodes(
    catalogs: &[CatalogView],
    chosen: &BTreeSet<String>,
    open: &BTreeSet<String>,
    search: &str,
    why_not: impl Fn(&CatalogView) -> Option<String>,
) -> Vec<Node> {
    let needle = search.trim().to_lowercase();
    let hit = |name: &str| name.to_lowercase().contains(&needle);
    let mut found = Vec::new();
    for catalog in catalogs {
        let whole = needle.is_empty() || hit(&catalog.name);
        let schemas: Vec<(&SchemaView, Vec<&TableEntry>)> = catalog
            .schemas
            .iter()
            .filter_map(|schema| {
                let all = whole || hit(&schema.name);
                let tables: Vec<_> = schema.tables.iter().filter(|table| all || hit(&table.name)).collect();
                (all || !tables.is_empty()).then_some((schema, tables))
            })
            .collect();
        if !whole && schemas.is_empty() {
            continue;
        }
        let on = chosen.contains(&catalog.name);
        let flagged = catalog.schemas.iter().map(flagged).sum::<usize>();
        let why_not = why_not(catalog);
        let is_open = open.contains(&catalog.name) || !whole;
        found.push(Node {
            depth: 0,
            path: catalog.name.clone(),
            label: catalog.name.clone(),
            kind: AssetKind::Catalog,
            open: Some(is_open),
            tick: tick(on, flagged),
            note: catalog_note(catalog, flagged),
            free: why_not.is_none(),
            problem: why_not,
        });
        if !is_open {
            continue;
        }
        for (schema, tables) in schemas {
            let path = format!("{}.{}", catalog.name, schema.name);
            let narrowed = !needle.is_empty() && !whole && !hit(&schema.name);
            let is_open = open.contains(&path) || narrowed;
            found.push(Node {
                depth: 1,
                path: path.clone(),
                label: schema.name.clone(),
                kind: AssetKind::Schema,
                open: Some(is_open),
                tick: tick(on, self::flagged(schema)),
                note: format::plural(schema.tables.len(), "table or view", "tables and views"),
                problem: None,
                free: false,
            });
            if is_open {
                found.extend(tables.into_iter().map(|table| Node {
                    depth: 2,
                    path: format!("{path}.{}", table.name),
                    label: table.name.clone(),
                    kind: table.kind,
                    open: None,
                    tick: if on && table.unsupported.is_none() { Tick::On } else { Tick::Off },
                    note: String::new(),
                    problem: table.unsupported.clone(),
                    free: false,
                }));
            }
        }
    }
    found
}

fn flagged(schema: &SchemaView) -> usize {
    schema.tables.iter().filter(|table| table.unsupported.is_some()).count()
}

fn tick(on: bool, flagged: usize) -> Tick {
    match (on, flagged) {
        (false, _) => Tick::Off,
        (true, 0) => Tick::On,
        (true, _) => Tick::Part,
    }
}

fn catalog_note(catalog: &CatalogView, flagged: usize) -> String {
    let tables: usize = catalog.schemas.iter().map(|schema| schema.tables.len()).sum();
    let mut note = format!(
        "{} · {}",
        format::plural(catalog.schemas.len(), "schema", "schemas"),
        format::plural(tables, "table or view", "tables and views")
    );
    if flagged > 0 {
        note.push_str(&format!(" · {flagged} unsupported"));
    }
    note
}

/// The line above the tree: `2 of 4 catalogs · 37 tables and views · 3 unsupported`.
pub fn totals(catalogs: &[CatalogView], chosen: &BTreeSet<String>) -> String {
    let on: Vec<_> = catalogs.iter().filter(|catalog| chosen.contains(&catalog.name)).collect();
    let tables: usize = on.iter().flat_map(|c| &c.schemas).map(|s| s.tables.len()).sum();
    let flagged: usize = on.iter().flat_map(|c| &c.schemas).map(flagged).sum();
    let mut line = format!("{} of {}", on.len(), format::plural(catalogs.len(), "catalog", "catalogs"));
    if tables > 0 {
        line.push_str(&format!(" · {}", format::plural(tables, "table or view", "tables and views")));
    }
    if flagged > 0 {
        line.push_str(&format!(" · {flagged} unsupported"));
    }
    line
}

/// Why a catalog cannot be chosen, for the row itself; the form's rules say the same again.
fn why_not(catalog: &CatalogView, scene: &Scene<'_>, draft: &Draft) -> Option<String> {
    if draft.has_already(scene, &catalog.name) {
        return None;
    }
    let owner = scene.account().groups.iter().find(|view| view.group.has_catalog(&catalog.name));
    if let Some(view) = owner {
        return Some(format!("Already in failover group {}", view.group.spec.id));
    }
    let secondary = draft.secondary_region(scene)?;
    let clash = secondary.catalogs.iter().any(|there| same_name(&there.name, &catalog.name) && there.left_by.is_none());
    clash.then(|| format!("{} already has a catalog with this name", secondary.name))
}

/// What a scope brings.
pub const SCOPE_NOTE: &str = "Whole catalogs, with schemas, tables, data, history, views, functions, volumes, owners, grants and tags. A drop is replicated, UNDROP isn't: what you bring back is copied again as a new object.";

/// Draws search, totals and tree; whether the choice changed.
pub fn scope_ui(ui: &mut Ui, scene: &Scene<'_>, draft: &mut Draft, state: &mut TreeState) -> bool {
    let palette = theme::palette(ui);
    let Some(region) = draft.primary_region(scene) else {
        ui.label(
            rich(Role::Body, "First choose a primary workspace. The scope lists the catalogs of its region.")
                .color(palette.text_weak),
        );
        return false;
    };
    if region.read_at.is_none() {
        let sentence =
            format!("The catalogs of {} haven't been read yet. They appear here when it responds.", region.name);
        ui.label(rich(Role::Body, sentence).color(palette.text_weak));
        return false;
    }
    ui.horizontal(|ui| {
        field::search_ui(
            ui,
            "Search catalogs, schemas and tables",
            &mut state.search,
            (ui.available_width() * 0.5).min(300.0),
        );
        ui.add_space(space::S);
        text::line_ui(ui, Role::Small, palette.text_soft, &totals(&region.catalogs, &draft.catalogs));
    });
    let lines =
        nodes(&region.catalogs, &draft.catalogs, &state.open, &state.search, |catalog| why_not(catalog, scene, draft));
    let mut changed = false;
    Frame::new()
        .fill(palette.well)
        .stroke(Stroke::new(1.0, palette.border))
        .corner_radius(CornerRadius::same(theme::radius::M))
        .inner_margin(4)
        .show(ui, |ui| {
            ui.set_width(ui.available_width());
            ui.spacing_mut().item_spacing.y = 0.0;
            if lines.is_empty() {
                ui.add_space(space::M);
                ui.vertical_centered(|ui| {
                    ui.label(rich(Role::Body, "Nothing matches the search.").color(palette.text_weak));
                });
                ui.add_space(space::M);
                return;
            }
            let height = 30.0;
            let room = (lines.len() as f32 * height).clamp(height * 4.0, 300.0);
            egui::ScrollArea::vertical()
                .id_salt("scope")
                .max_height(room)
                .min_scrolled_height(room)
                .auto_shrink([false, false])
                .show_rows(ui, height, lines.len(), |ui, range| {
                    for index in range {
                        let Some(node) = lines.get(index) else { continue };
                        match node_ui(ui, node, height, &lines, index) {
                            Some(Press::Choose) => {
                                changed = true;
                                if !draft.catalogs.remove(&node.path) {
                                    draft.catalogs.insert(node.path.clone());
                                }
                            }
                            Some(Press::Open(open)) => {
                                if open {
                                    state.open.insert(node.path.clone());
                                } else {
                                    state.open.remove(&node.path);
                                }
                            }
                            None => {}
                        }
                    }
                });
        });
    changed
}

enum Press {
    Choose,
    Open(bool),
}

fn node_ui(ui: &mut Ui, node: &Node, height: f32, lines: &[Node], index: usize) -> Option<Press> {
    let palette = theme::palette(ui);
    let (rect, _) = ui.allocate_exact_size(Vec2::new(ui.available_width(), height), Sense::hover());
    let id = ui.scope_id().with(("scope node", &node.path));
    let response = ui.interact(rect, id, Sense::click());
    response.widget_info(|| {
        WidgetInfo::selected(egui::Role::TreeItem, true, node.tick != Tick::Off, format!("{} {}", node.kind, node.path))
    });
    if response.hovered() {
        ui.painter().rect_filled(rect, 4.0, palette.hover);
    }
    button::focus_ring(ui, &response, rect.shrink(2.0));
    let mut x = rect.left() + 6.0 + node.depth as f32 * 22.0;
    let middle = rect.center().y;
    let arrow = Rect::from_center_size(egui::pos2(x + 9.0, middle), Vec2::splat(22.0));
    let mut press = None;
    if let Some(open) = node.open {
        let icon = if open { Icon::Down } else { Icon::Right };
        icon.paint(ui.painter(), arrow.center(), 18.0, palette.text_soft);
        let toggle = ui.interact(arrow, id.with("arrow"), Sense::click());
        let name = format!("{} {}", if open { "Close" } else { "Open" }, node.path);
        toggle.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
        if toggle.clicked() {
            press = Some(Press::Open(!open));
        }
    }
    x += 24.0;
    if node.depth == 0 {
        let square = Rect::from_center_size(egui::pos2(x + 9.0, middle), Vec2::splat(17.0));
        field::paint_tick(ui, square, node.tick, node.free, response.hovered());
    } else {
        // Below a catalog nothing can be chosen: a group takes whole catalogs.
        let (sign, color) = match (node.tick, &node.problem) {
            (_, Some(_)) => (Icon::Block, palette.warn),
            (Tick::Off, None) => (Icon::Missing, palette.border_strong),
            (_, None) => (Icon::Check, palette.accent),
        };
        sign.paint(ui.painter(), egui::pos2(x + 9.0, middle), 15.0, color);
    }
    x += 27.0;
    let kind = match node.kind {
        AssetKind::Catalog => Icon::Catalog,
        AssetKind::Schema => Icon::Schema,
        AssetKind::View => Icon::View,
        _ => Icon::Table,
    };
    kind.paint(ui.painter(), egui::pos2(x + 8.0, middle), 16.0, palette.text_weak);
    x += 23.0;
    let ink = if node.depth == 0 && !node.free { palette.text_weak } else { palette.text };
    let role = if node.depth == 0 { Role::Strong } else { Role::Body };
    let label = text::line(ui, role, ink, &node.label, (rect.right() - x) * 0.6);
    let label_width = label.size().x;
    ui.painter().galley(egui::pos2(x, middle - label.size().y / 2.0), label, ink);
    let rest = Rect::from_min_max(
        egui::pos2(x + label_width + space::M, rect.top()),
        egui::pos2(rect.right() - space::S, rect.bottom()),
    );
    let (note, color) = match &node.problem {
        Some(problem) if node.depth == 0 => (problem.as_str(), palette.text_weak),
        Some(problem) => (problem.as_str(), palette.tone(Tone::Warn)),
        None => (node.note.as_str(), palette.text_weak),
    };
    let galley = text::line(ui, Role::Small, color, note, rest.width());
    let cut = galley.elided;
    let at = egui::pos2(rest.right() - galley.size().x, middle - galley.size().y / 2.0);
    ui.painter().galley(at, galley, color);

    keys(ui, &response, node, lines, index, &mut press);
    if press.is_none() && response.clicked() {
        press =
            if node.depth == 0 && node.free { Some(Press::Choose) } else { node.open.map(|open| Press::Open(!open)) };
    }
    let response = response.on_hover_cursor(CursorIcon::PointingHand);
    if cut {
        response.on_hover_text(note);
    }
    press
}

/// Arrows, Home, End and a letter move; right and left open and close.
fn keys(ui: &Ui, response: &egui::Response, node: &Node, lines: &[Node], index: usize, press: &mut Option<Press>) {
    if !response.has_focus() {
        return;
    }
    let filter = EventFilter { vertical_arrows: true, horizontal_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, filter));
    let pressed = |key| ui.input(|input| input.key_pressed(key));
    let mut to = None;
    if pressed(Key::ArrowDown) {
        to = index.checked_add(1).filter(|next| *next < lines.len());
    } else if pressed(Key::ArrowUp) {
        to = index.checked_sub(1);
    } else if pressed(Key::Home) {
        to = Some(0);
    } else if pressed(Key::End) {
        to = lines.len().checked_sub(1);
    } else if pressed(Key::ArrowRight) && node.open == Some(false) {
        *press = Some(Press::Open(true));
    } else if pressed(Key::ArrowLeft) && node.open == Some(true) {
        *press = Some(Press::Open(false));
    } else {
        let typed = ui.input(|input| {
            input.events.iter().find_map(|event| match event {
                egui::Event::Text(text) if !text.trim().is_empty() => Some(text.to_lowercase()),
                _ => None,
            })
        });
        if let Some(typed) = typed {
            let after = lines.iter().enumerate().cycle().skip(index + 1).take(lines.len());
            to = after.into_iter().find(|(_, line)| line.label.to_lowercase().starts_with(&typed)).map(|(at, _)| at);
        }
    }
    if let Some(target) = to.and_then(|to| lines.get(to)) {
        let id = ui.scope_id().with(("scope node", &target.path));
        ui.memory_mut(|memory| memory.request_focus(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn catalog(name: &str, tables: &[(&str, bool)]) -> CatalogView {
        CatalogView {
            left_by: None,
            name: name.to_owned(),
            storage_root: None,
            locations: Vec::new(),
            read_only: false,
            group: None,
            schemas: vec![SchemaView {
                name: "sales".to_owned(),
                tables: tables
                    .iter()
                    .map(|(table, sound)| TableEntry {
                        name: (*table).to_owned(),
                        kind: AssetKind::Table,
                        unsupported: (!sound).then(|| "A shallow clone.".to_owned()),
                    })
                    .collect(),
            }],
        }
    }

    #[test]
    fn a_search_keeps_the_ancestors_of_what_it_finds() {
        let catalogs = [catalog("main", &[("orders", true), ("refunds", true)]), catalog("hr", &[("people", true)])];
        let lines = nodes(&catalogs, &BTreeSet::new(), &BTreeSet::new(), "refund", |_| None);
        let paths: Vec<_> = lines.iter().map(|line| line.path.as_str()).collect();
        assert_eq!(paths, ["main", "main.sales", "main.sales.refunds"]);
        assert_eq!(nodes(&catalogs, &BTreeSet::new(), &BTreeSet::new(), "", |_| None).len(), 2);
    }

    #[test]
    fn a_chosen_catalog_with_something_unsupported_is_ticked_in_part() {
        let catalogs = [catalog("main", &[("orders", true), ("clone", false)])];
        let chosen: BTreeSet<_> = ["main".to_owned()].into();
        let open: BTreeSet<_> = ["main".to_owned(), "main.sales".to_owned()].into();
        let lines = nodes(&catalogs, &chosen, &open, "", |_| None);
        let ticks: Vec<_> = lines.iter().map(|line| line.tick).collect();
        assert_eq!(ticks, [Tick::Part, Tick::Part, Tick::On, Tick::Off]);
        assert_eq!(totals(&catalogs, &chosen), "1 of 1 catalog · 2 tables and views · 1 unsupported");
    }
}
