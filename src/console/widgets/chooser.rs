//! The desktop's own file dialog, beside a field in which the path can be typed as well.

use super::Button;
use crate::console::theme::Icon;
use eframe::egui::{Context, Ui};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// A file dialog that may be open. The window goes on while it is.
#[derive(Debug, Clone, Default)]
pub struct Chooser {
    asked: Arc<Mutex<Asked>>,
}

#[derive(Debug, Default)]
enum Asked {
    #[default]
    Nothing,
    Open,
    Chosen(PathBuf),
}

impl Chooser {
    /// Draws the button; the path that was chosen since the last frame. `path` is what is proposed.
    pub fn ui(&self, ui: &mut Ui, path: &str) -> Option<String> {
        let open = matches!(*self.lock(), Asked::Open);
        let button = Button::ordinary("Choose…").icon(Icon::Folder).enabled(!open);
        if ui.add(button.hint("Opens the desktop's file dialog, if it has one")).clicked() {
            self.open(ui.ctx(), PathBuf::from(path));
        }
        let mut asked = self.lock();
        match std::mem::take(&mut *asked) {
            Asked::Chosen(chosen) => Some(chosen.display().to_string()),
            other => {
                *asked = other;
                None
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn open(&self, ctx: &Context, path: PathBuf) {
        *self.lock() = Asked::Open;
        let (chooser, ctx) = (self.clone(), ctx.clone());
        // On a thread of its own: the dialog belongs to another process and stays as long as a person likes.
        let started = std::thread::Builder::new().name("file dialog".to_owned()).spawn(move || {
            let chosen = dialog(&path).save_file();
            *chooser.lock() = chosen.map_or(Asked::Nothing, Asked::Chosen);
            ctx.request_repaint();
        });
        if started.is_err() {
            *self.lock() = Asked::Nothing;
        }
    }
}

/// The dialog in the nearest folder of the path that is there.
fn dialog(path: &Path) -> rfd::FileDialog {
    let mut dialog = rfd::FileDialog::new();
    if let Some(folder) = path.ancestors().skip(1).find(|folder| folder.is_dir()) {
        dialog = dialog.set_directory(folder);
    }
    if let Some(name) = path.file_name() {
        dialog = dialog.set_file_name(name.to_string_lossy());
    }
    dialog
}
