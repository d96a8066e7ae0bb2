//! A saga of three steps that only note what they do: the second is the point of no return.

use super::{Host, Moment, Saga, Stands, Step, StepEnd, Wait, run, until};
use crate::connect::ConnectError;
use crate::control::ControlError;
use crate::domain::Region;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A journal in memory, and every act and undo in the order in which they came.
#[derive(Default)]
struct Notes {
    ended: Vec<&'static str>,
    rolling_back: bool,
    told: Vec<String>,
    /// Fails the act or undo of this name so many times.
    fails: Option<(&'static str, u32)>,
    /// Whether what fails is a region that is away.
    away: bool,
}

const NAMES: [&str; 4] = ["a", "b", "flip", "c"];

static SAGA: Saga<Notes> = Saga {
    steps: &[
        Step { name: "a", act: |n| Box::pin(n.act("a")), undo: Some(|n| Box::pin(n.undo("undo a"))) },
        Step { name: "b", act: |n| Box::pin(n.act("b")), undo: Some(|n| Box::pin(n.undo("undo b"))) },
        Step { name: "flip", act: |n| Box::pin(n.act("flip")), undo: None },
        Step { name: "c", act: |n| Box::pin(n.act("c")), undo: Some(|n| Box::pin(n.undo("undo c"))) },
    ],
    point_of_no_return: "flip",
};

impl Notes {
    fn failing(name: &'static str, times: u32) -> Self {
        Self { fails: Some((name, times)), ..Self::default() }
    }

    async fn act(&mut self, name: &'static str) -> Result<StepEnd, ControlError> {
        self.undo(name).await.map(|()| StepEnd::Done(String::new()))
    }

    async fn undo(&mut self, name: &'static str) -> Result<(), ControlError> {
        self.told.push(name.to_owned());
        match &mut self.fails {
            Some((fails, times)) if *fails == name && *times > 0 => {
                *times -= 1;
                if self.away {
                    let (region, cause) = ("east".to_owned(), "it is away".to_owned());
                    return Err(
                        ConnectError::Unreachable { region: Region::new(region), url: String::new(), cause }.into()
                    );
                }
                Err(ControlError::Refused { sentence: format!("{name} is refused.") })
            }
            _ => Ok(()),
        }
    }

    async fn told_at_the_end(mut self) -> String {
        run(&mut self, &SAGA).await.expect("the journal takes everything");
        self.told.join(", ")
    }
}

impl Host for Notes {
    type Name = &'static str;

    fn stands(&self) -> Stands<&'static str> {
        match NAMES.into_iter().find(|name| !self.ended.contains(name)) {
            _ if self.rolling_back => Stands::RollingBack,
            Some(name) => Stands::At(name),
            None => Stands::Done,
        }
    }

    fn is_stopping(&self) -> bool {
        false
    }

    async fn begin(&mut self, _: &'static str) -> Result<(), ControlError> {
        Ok(())
    }

    async fn end(&mut self, step: &'static str, _: StepEnd) -> Result<(), ControlError> {
        self.ended.push(step);
        Ok(())
    }

    async fn turn_back(&mut self, _: &'static str, _: &ControlError) -> Result<(), ControlError> {
        self.rolling_back = true;
        Ok(())
    }

    async fn finish(&mut self) -> Result<(), ControlError> {
        self.told.push("done".to_owned());
        Ok(())
    }

    async fn rolled_back(&mut self, failed: Option<ControlError>) -> Result<(), ControlError> {
        self.told.push(failed.map_or("rolled back".to_owned(), |error| format!("rolled back but for: {error}")));
        Ok(())
    }

    fn wait_after(&mut self, _: &'static str, _: &ControlError, refusals: u32) -> Wait {
        if refusals >= 3 { Wait::Person } else { Wait::Time(Duration::from_secs(u64::from(refusals))) }
    }

    async fn ask(&mut self, step: &'static str, _: &ControlError, refusals: u32) -> Result<(), ControlError> {
        self.told.push(format!("asks about {step} after {refusals}"));
        Ok(())
    }

    async fn interrupt(&mut self, _: &'static str, _: Moment) -> Result<(), ControlError> {
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_before_the_point_of_no_return_undoes_everything_before_it_last_first() {
    assert_eq!(Notes::default().told_at_the_end().await, "a, b, flip, c, done");
    assert_eq!(Notes::failing("b", 1).told_at_the_end().await, "a, b, undo b, undo a, rolled back");
    assert_eq!(Notes::failing("a", 1).told_at_the_end().await, "a, undo b, undo a, rolled back");
}

#[tokio::test(start_paused = true)]
async fn after_it_a_step_is_tried_again_and_then_a_person_is_asked() {
    assert_eq!(Notes::failing("flip", 2).told_at_the_end().await, "a, b, flip, flip, flip, c, done");
    assert_eq!(Notes::failing("c", 9).told_at_the_end().await, "a, b, flip, c, c, c, asks about c after 3");
    let away = Notes { away: true, ..Notes::failing("c", 9) };
    assert_eq!(away.told_at_the_end().await, "a, b, flip, c, c, c, c, c, c, c, c, c, c, done", "it comes back");
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_fails_keeps_the_others_only_where_its_region_is_away() {
    let start = || Notes { rolling_back: true, ..Notes::failing("undo b", 1) };
    assert_eq!(start().told_at_the_end().await, "undo b, undo a, rolled back but for: undo b is refused.");
    let told = Notes { away: true, ..start() }.told_at_the_end().await;
    assert!(told.starts_with("undo b, rolled back but for: "), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_was_left_in_the_middle_goes_on_there() {
    let crashed = Notes { ended: vec!["a", "b"], ..Notes::default() };
    assert_eq!(crashed.told_at_the_end().await, "flip, c, done");
    let by_a_later_version = Notes { ended: NAMES.to_vec(), ..Notes::default() };
    assert_eq!(by_a_later_version.told_at_the_end().await, "done");
}

#[tokio::test(start_paused = true)]
async fn a_condition_is_waited_for_until_it_holds_or_the_time_is_over() {
    let asked = Arc::new(AtomicUsize::default());
    let third = || asked.fetch_add(1, Ordering::SeqCst) == 2;
    assert!(until(Duration::from_secs(1), Duration::from_secs(5), third).await);
    assert!(!until(Duration::from_secs(1), Duration::from_secs(5), || false).await);
}
