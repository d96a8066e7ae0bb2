//! One file a screen: state, `show`, drawing, view model, tests.

pub mod activity;
pub mod approval_dialog;
pub mod confirm_dialog;
pub mod create;
pub mod delete_dialog;
pub mod edit;
pub mod export_dialog;
pub mod fail_over;
pub mod group;
pub mod points_dialog;
pub mod recover_dialog;
mod recover_rows;
pub mod regions;
pub mod release_dialog;
pub mod repair_dialog;
pub mod resilience;
pub mod run;
pub mod run_book_dialog;
pub mod secondary_only_dialog;
pub mod settings;
pub mod sheet_dialog;
pub mod sign_in_dialog;
pub mod stable_urls;
pub mod targets_dialog;
pub mod untold;
pub mod what_if_dialog;
pub mod workspaces;

use super::theme::{self, Role, rich, space};
use eframe::egui::{self, Align, Layout, Margin, Ui};

/// A screen's page: a margin around, a column that scrolls, no wider than reads well.
pub(super) fn page_ui(ui: &mut Ui, id: &str, width: f32, add_contents: impl FnOnce(&mut Ui)) {
    egui::ScrollArea::vertical().id_salt(id).auto_shrink(false).show(ui, |ui| {
        egui::Frame::new().inner_margin(Margin::symmetric(space::XXL as i8, space::XL as i8)).show(ui, |ui| {
            ui.set_width(ui.available_width().min(width));
            ui.spacing_mut().item_spacing.y = space::L;
            add_contents(ui);
        });
    });
}

/// A screen's title with a note below it, and at its right what `actions` draws.
pub(super) fn title_ui(ui: &mut Ui, title: &str, note: &str, actions: impl FnOnce(&mut Ui)) {
    let palette = theme::palette(ui);
    ui.horizontal(|ui| {
        ui.vertical(|ui| {
            ui.spacing_mut().item_spacing.y = space::XS;
            ui.label(rich(Role::Title, title).color(palette.text));
            if !note.is_empty() {
                ui.label(rich(Role::Body, note).color(palette.text_soft));
            }
        });
        ui.with_layout(Layout::right_to_left(Align::Min), |ui| {
            ui.spacing_mut().item_spacing.x = space::S;
            actions(ui);
        });
    });
}
