//! Reports that are written as JSON files.

use super::common::COULD_NOT_RUN;
use std::path::Path;

/// Refuses a report file that cannot be written before half an hour is spent on what goes into it.
pub fn writable(file: &Path) -> Result<(), String> {
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if file.is_dir() || !folder.is_dir() {
        return Err(format!("Can't write the report to {}. Name a file in a folder that exists.", file.display()));
    }
    Ok(())
}

/// Writes a report whole or not at all.
pub fn write_json(file: &Path, report: &impl serde::Serialize) -> Result<(), String> {
    let text = serde_json::to_string_pretty(report).map_err(|e| e.to_string())?;
    let beside = file.with_extension("part");
    let written = std::fs::write(&beside, text + "\n").and_then(|()| std::fs::rename(&beside, file));
    written.map_err(|e| format!("Couldn't write the report to {}: {e}. (exit status {COULD_NOT_RUN})", file.display()))
}
