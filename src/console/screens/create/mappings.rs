//! Storage mappings: one row a location, one column a region, and what they cover.

use super::model::{Draft, LocationRow, RowDraft};
use crate::console::scene::Scene;
use crate::console::theme::{self, Icon, Role, elide_middle, rich, space};
use crate::console::widgets::{Button, field, text};
use crate::domain::Region;
use eframe::egui::{self, Align, Align2, Color32, Layout, Rect, Sense, Ui, UiBuilder, WidgetInfo};

/// Draws rows and coverage; whether anything changed.
pub fn mappings_ui(ui: &mut Ui, scene: &Scene<'_>, draft: &mut Draft) -> bool {
    let palette = theme::palette(ui);
    let Some([primary, secondary]) = draft.regions(scene) else {
        let sentence = "First choose two workspaces in different regions. A mapping has one URI per region.";
        ui.label(rich(Role::Body, sentence).color(palette.text_weak));
        return false;
    };
    let mut changed = false;
    let locations = draft.locations(scene);
    if !draft.rows.is_empty() {
        changed |= rows_ui(ui, draft, &primary, &secondary);
    }
    let open = locations.iter().filter(|row| row.covered.is_none()).count();
    ui.horizontal(|ui| {
        if open > 0 {
            let words = if open == 1 {
                "Add the missing mapping".to_owned()
            } else {
                format!("Add the {open} missing mappings")
            };
            if ui
                .add(Button::ordinary(&words).icon(Icon::Add).hint("Suggests the same path in the other region"))
                .clicked()
            {
                draft.add_missing_mappings(scene);
                changed = true;
            }
        }
        if ui.add(Button::quiet("Add an empty row").icon(Icon::Add)).clicked() {
            draft.rows.push(RowDraft { name: format!("mapping-{}", draft.rows.len() + 1), ..RowDraft::default() });
            changed = true;
        }
    });
    if !locations.is_empty() {
        ui.add_space(space::XS);
        ui.label(rich(Role::Label, "Locations in scope").color(palette.text_soft));
        for location in &locations {
            if location_ui(ui, location) {
                draft.add_mapping(scene, &location.uri);
                changed = true;
            }
        }
        let idle = idle_rows(draft, &locations);
        if !idle.is_empty() {
            let verb = if idle.len() == 1 { "covers" } else { "cover" };
            let note = format!("{} {verb} nothing in scope.", idle.join(", "));
            ui.label(rich(Role::Small, note).color(palette.text_weak));
        }
    } else if draft.catalogs.is_empty() {
        let sentence = "Choose catalogs to list their storage locations here, each with the mapping that covers it.";
        ui.label(rich(Role::Small, sentence).color(palette.text_weak));
    }
    changed
}

/// Names of the mappings that cover none of `locations`, or are overruled by a longer prefix everywhere.
fn idle_rows(draft: &Draft, locations: &[LocationRow]) -> Vec<String> {
    let covers =
        |row: &&RowDraft| locations.iter().filter_map(|l| l.covered.as_ref()).any(|(name, _)| *name == row.name.trim());
    draft.rows.iter().filter(|row| !covers(row)).map(|row| row.name.trim().to_owned()).collect()
}

fn rows_ui(ui: &mut Ui, draft: &mut Draft, primary: &Region, secondary: &Region) -> bool {
    let name_width = 120.0;
    let gap = space::S;
    let uri_width = (ui.available_width() - name_width - 3.0 * gap - theme::metrics(ui).control - 1.0) / 2.0;
    // Below that no URI could be read: each stands on a line of its own.
    let stacked = uri_width < 200.0;
    let mut changed = false;
    let mut removed = None;
    if !stacked {
        ui.horizontal(|ui| {
            ui.spacing_mut().item_spacing.x = gap;
            for (head, width) in [("Name", name_width), (primary.as_str(), uri_width), (secondary.as_str(), uri_width)]
            {
                head_ui(ui, head, width);
            }
        });
    }
    for (index, row) in draft.rows.iter_mut().enumerate() {
        ui.push_id(index, |ui| {
            let number = index + 1;
            let regions = [(primary, "s3://bucket/path/*"), (secondary, "s3://other-bucket/path/*")];
            ui.horizontal(|ui| {
                ui.spacing_mut().item_spacing.x = gap;
                if stacked {
                    head_ui(ui, "Name", 84.0);
                }
                let name = format!("Name of mapping {number}");
                changed |= cell_ui(ui, name_width, &mut row.name, &name, "name", false);
                if !stacked {
                    for (region, hint) in regions {
                        changed |= uri_ui(ui, uri_width, row, number, region, hint);
                    }
                }
                let name = format!("Remove mapping {number}");
                if ui.add(Button::icon_only(Icon::Close, &name)).clicked() {
                    removed = Some(index);
                }
            });
            if stacked {
                for (region, hint) in regions {
                    ui.horizontal(|ui| {
                        ui.spacing_mut().item_spacing.x = gap;
                        head_ui(ui, region.as_str(), 84.0);
                        let width = ui.available_width();
                        changed |= uri_ui(ui, width, row, number, region, hint);
                    });
                }
                ui.add_space(space::S);
            }
        });
    }
    if let Some(index) = removed {
        draft.rows.remove(index);
        changed = true;
    }
    changed
}

fn head_ui(ui: &mut Ui, head: &str, width: f32) {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(egui::vec2(width, 18.0), Sense::hover());
    text::paint(ui, rect, Align2::LEFT_CENTER, Role::Label, palette.text_weak, head);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, head));
}

fn uri_ui(ui: &mut Ui, width: f32, row: &mut RowDraft, number: usize, region: &Region, hint: &str) -> bool {
    let uri = row.uri_by_region.entry(region.clone()).or_default();
    cell_ui(ui, width, uri, &format!("URI of mapping {number} in {region}"), hint, true)
}

fn cell_ui(ui: &mut Ui, width: f32, value: &mut String, name: &str, hint: &str, mono: bool) -> bool {
    let layout = Layout::left_to_right(Align::Center);
    let before = value.clone();
    ui.allocate_ui_with_layout(egui::vec2(width, theme::metrics(ui).control), layout, |ui| {
        ui.set_width(width);
        if mono {
            field::path_text_ui(ui, name, value, hint);
        } else {
            field::named_text_ui(ui, name, value, hint);
        }
    });
    *value != before
}

/// Draws one location; whether a mapping for it is asked for.
fn location_ui(ui: &mut Ui, location: &LocationRow) -> bool {
    let palette = theme::palette(ui);
    let (rect, response) = ui.allocate_exact_size(egui::vec2(ui.available_width(), 30.0), Sense::hover());
    let (icon, color) = match location.covered {
        Some(_) => (Icon::Good, palette.good),
        None => (Icon::Warn, palette.warn),
    };
    icon.paint(ui.painter(), egui::pos2(rect.left() + 8.0, rect.center().y), 16.0, color);
    let words = rect.with_min_x(rect.left() + 26.0);
    let by_width = 110.0;
    let half = (words.width() - by_width) / 2.0 - 18.0;
    let path = |left: f32, ink: Color32, uri: &str| {
        let place = Rect::from_min_size(egui::pos2(left, rect.top()), egui::vec2(half, rect.height()));
        let shown = elide_middle(uri, (half / 7.2) as usize);
        text::paint(ui, place, Align2::LEFT_CENTER, Role::MonoSmall, ink, &shown);
    };
    path(words.left(), palette.text, &location.uri);
    let catalogs = location.catalogs.join(", ");
    let mut asked = false;
    let (name, hover) = match &location.covered {
        None => {
            let place = Rect::from_min_max(egui::pos2(rect.right() - by_width, rect.top() + 2.0), rect.max);
            let layout = Layout::right_to_left(Align::Center);
            let mut corner = ui.new_child(UiBuilder::new().max_rect(place).layout(layout).id_salt(&location.uri));
            let add = format!("Add mapping for {}", location.uri);
            asked = corner.add(Button::ordinary("Add mapping").name(&add).small()).clicked();
            (
                format!("{} is not covered", location.uri),
                format!("{}\nhas {catalogs}. No mapping covers it.", location.uri),
            )
        }
        Some((row, lands_at)) => {
            let middle = words.left() + half + 12.0;
            Icon::Arrow.paint(ui.painter(), egui::pos2(middle, rect.center().y), 14.0, palette.text_weak);
            path(middle + 14.0, palette.text_soft, lands_at);
            let by = rect.with_min_x(rect.right() - by_width + 16.0);
            text::paint(ui, by, Align2::RIGHT_CENTER, Role::Small, palette.text_weak, &format!("by {row}"));
            let story = format!("{}\nhas {catalogs} and maps to\n{lands_at}\nby the mapping {row}", location.uri);
            (format!("{} is covered by {row}", location.uri), story)
        }
    };
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Label, true, &name));
    response.on_hover_text(hover);
    asked
}
