//! What a person chose, kept between starts.

use super::theme::{Density, ThemeChoice};
use crate::domain::Targets;
use eframe::egui::ViewportInfo;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a person chose. Plain data, which is kept between starts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    /// Which theme.
    pub theme: ThemeChoice,
    /// How dense.
    pub density: Density,
    /// What each failover group should reach, by its id. An earlier version kept it here; the runtime takes it up.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub targets: BTreeMap<String, Targets>,
    /// When the wall display dims.
    pub wall: WallSchedule,
    /// Where the window was.
    pub window: Option<WindowPlace>,
    /// The half-filled form for a new failover group, as its screen reads it.
    pub draft: Option<serde_json::Value>,
}

/// The hours in which the wall display is dimmed, on this machine's wall clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WallSchedule {
    /// Whether it dims at all.
    pub dims: bool,
    /// The hour at which it gets dark, 0 to 23.
    pub from_hour: u8,
    /// The hour at which it gets light, 0 to 23.
    pub until_hour: u8,
}

impl Default for WallSchedule {
    fn default() -> Self {
        Self { dims: true, from_hour: 20, until_hour: 7 }
    }
}

impl WallSchedule {
    /// Whether it is dark at this hour.
    pub fn is_dark(self, hour: u32) -> bool {
        let (from, until) = (u32::from(self.from_hour), u32::from(self.until_hour));
        self.dims && if from <= until { (from..until).contains(&hour) } else { hour >= from || hour < until }
    }
}

/// Where the window was, in points.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct WindowPlace {
    /// Its top left corner; None where the desktop doesn't tell.
    pub at: Option<[f32; 2]>,
    /// The size of its inside.
    pub size: [f32; 2],
    /// Whether it filled the screen.
    pub maximized: bool,
}

impl WindowPlace {
    /// Where a window is now, by where it was before; None where that is no place to go back to.
    pub fn of(viewport: &ViewportInfo, before: Option<Self>) -> Option<Self> {
        let inner = viewport.inner_rect?;
        let maximized = viewport.maximized.unwrap_or(false);
        if viewport.fullscreen.unwrap_or(false) || viewport.minimized.unwrap_or(false) || inner.width() < 1.0 {
            return None;
        }
        // The size to go back to is that of before it filled the screen.
        let size = before.filter(|_| maximized).map_or([inner.width(), inner.height()], |place| place.size);
        let at = viewport.outer_rect.map(|outer| [outer.left(), outer.top()]);
        let at = before.filter(|_| maximized).map_or(at, |place| place.at);
        Some(Self { at, size, maximized })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_may_pass_midnight() {
        let night = WallSchedule::default();
        let dark: Vec<u32> = (0..24).filter(|hour| night.is_dark(*hour)).collect();
        assert_eq!(dark, [0, 1, 2, 3, 4, 5, 6, 20, 21, 22, 23]);
        let noon = WallSchedule { from_hour: 12, until_hour: 14, ..night };
        assert!(noon.is_dark(13) && !noon.is_dark(14) && !noon.is_dark(3));
        assert!(!WallSchedule { dims: false, ..night }.is_dark(22));
    }

    #[test]
    fn a_file_of_an_older_version_still_counts() {
        let old: Preferences = serde_json::from_str(r#"{"theme":"dark","density":"compact"}"#).expect("it is read");
        assert_eq!((old.theme, old.density, old.targets.len()), (ThemeChoice::Dark, Density::Compact, 0));
    }
}
