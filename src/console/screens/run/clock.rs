//! The RTO clock against its target.

use super::moment::{Moment, median_rto, rto_ms};
use crate::console::format;
use crate::console::theme::{self, Role, Tone, rich, space};
use crate::console::widgets::{progress, text};
use crate::control::view::{GroupView, OperationOutcome, OperationView};
use crate::domain::Targets;
use eframe::egui::Ui;

/// What the clock says.
#[derive(Debug, Clone, PartialEq)]
pub struct RtoClock {
    /// Seconds that count so far.
    pub seconds: f64,
    /// Whether it still runs.
    pub runs: bool,
    /// The target, in seconds.
    pub target: Option<f64>,
    /// What the same kind of failover took as a rule, in seconds.
    pub median: Option<f64>,
}

/// The clock at a moment.
pub fn rto_clock(view: &GroupView, operation: &OperationView, moment: &Moment, targets: Targets) -> RtoClock {
    let stopped = rto_ms(operation);
    let until = stopped.map_or(moment.elapsed_ms, |stopped| stopped.min(moment.elapsed_ms));
    RtoClock {
        seconds: until.max(0) as f64 / 1000.0,
        runs: moment.outcome == OperationOutcome::Running && stopped.is_none_or(|stopped| moment.elapsed_ms < stopped),
        target: targets.rto_s.map(f64::from),
        median: median_rto(view, operation),
    }
}

impl RtoClock {
    /// How much it matters.
    pub fn tone(&self) -> Tone {
        match self.target {
            Some(target) if self.seconds > target => Tone::Bad,
            Some(target) if self.runs && self.seconds > target * 0.8 => Tone::Warn,
            Some(_) if !self.runs => Tone::Good,
            _ => Tone::Busy,
        }
    }

    /// How it compares with the target, as a sentence.
    pub fn sentence(&self) -> String {
        let span = |seconds: f64| format::duration(seconds);
        match self.target {
            None => "No RTO target is set".to_owned(),
            Some(target) if self.seconds > target => {
                format!("{} over the target of {}", span(self.seconds - target), span(target))
            }
            Some(target) if self.runs => {
                format!("{} left of the target of {}", span(target - self.seconds), span(target))
            }
            Some(target) => format!("Within the target of {}", span(target)),
        }
    }
}

/// Draws the clock.
pub fn clock_ui(ui: &mut Ui, clock: &RtoClock, undone: bool) {
    let palette = theme::palette(ui);
    ui.label(rich(Role::Label, "Time until the new primary accepts writes (RTO)").color(palette.text_weak));
    if undone {
        text::line_ui(ui, Role::Body, palette.text_soft, "It never did: the failover was rolled back.");
        return;
    }
    let tone = clock.tone();
    let ink = if matches!(tone, Tone::Bad | Tone::Warn) { palette.tone(tone) } else { palette.text };
    let shown = if clock.seconds < 60.0 {
        format!("{:.1} s", clock.seconds)
    } else {
        format::age((clock.seconds * 1000.0) as i64)
    };
    text::figure_ui(ui, &shown, ink);
    if let Some(target) = clock.target {
        progress::progress_ui(ui, (clock.seconds / target.max(0.1)) as f32, tone, 8.0, "Share of the RTO target");
    }
    let mut sentence = clock.sentence();
    if let Some(median) = clock.median {
        sentence.push_str(&format!(" · median of earlier ones {}", format::duration(median)));
    }
    ui.add(eframe::egui::Label::new(rich(Role::Small, sentence).color(palette.text_soft)).wrap());
    ui.add_space(space::XS);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_says_what_is_left_and_what_is_over() {
        let clock = |seconds, runs, target| RtoClock { seconds, runs, target, median: None };
        assert_eq!(clock(10.0, true, Some(30.0)).sentence(), "20.0 s left of the target of 30.0 s");
        assert_eq!(clock(25.0, true, Some(30.0)).tone(), Tone::Warn);
        assert_eq!(clock(8.2, false, Some(30.0)).sentence(), "Within the target of 30.0 s");
        assert_eq!(clock(31.0, true, Some(30.0)).sentence(), "1.0 s over the target of 30.0 s");
        assert_eq!(clock(31.0, true, Some(30.0)).tone(), Tone::Bad);
        assert_eq!(clock(31.0, true, None).tone(), Tone::Busy);
    }
}
