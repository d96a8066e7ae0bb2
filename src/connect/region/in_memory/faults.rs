//! What a test makes go wrong, and what it may look at afterwards.

use super::{InMemoryRegion, Refusal, lock};
use crate::connect::error::{Asked, ConnectError};
use reqwest::StatusCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What a call meets.
#[derive(Debug, Clone)]
enum Fault {
    /// It is refused and does nothing.
    Refused { status: u16, code: String, message: String },
    /// It does its work, and its answer is lost.
    AnswerLost,
}

#[derive(Debug)]
struct Planned {
    /// Part of the call's name.
    call: String,
    /// Calls that go well before it.
    after: usize,
    times: usize,
    fault: Fault,
}

#[derive(Debug, Default)]
pub(super) struct Faults {
    away: AtomicBool,
    planned: Mutex<Vec<Planned>>,
    /// Names of the calls that did something.
    changes: Mutex<Vec<String>>,
    /// Names of the calls that only asked.
    reads: Mutex<Vec<String>>,
    /// Names of all calls.
    calls: Mutex<Vec<String>>,
}

impl InMemoryRegion {
    /// From now on no one gets an answer.
    pub fn go_away(&self) {
        self.shared.faults.away.store(true, Ordering::SeqCst);
    }

    /// The region answers again.
    pub fn come_back(&self) {
        self.shared.faults.away.store(false, Ordering::SeqCst);
    }

    /// Refuses the next `times` calls whose name contains `call`, such as `POST /tables`.
    pub fn refuse(&self, call: &str, times: usize, status: u16, code: &str, message: &str) {
        let fault = Fault::Refused { status, code: code.to_owned(), message: message.to_owned() };
        lock(&self.shared.faults.planned).push(Planned { call: call.to_owned(), after: 0, times, fault });
    }

    /// Lets the next `times` calls whose name contains `call` do their work, and loses the answers.
    pub fn lose_answers(&self, call: &str, times: usize) {
        let planned = Planned { call: call.to_owned(), after: 0, times, fault: Fault::AnswerLost };
        lock(&self.shared.faults.planned).push(planned);
    }

    /// Lets calls whose name contains `call` do their work, and loses the answer of one that comes after `after` others.
    pub fn lose_answer_after(&self, call: &str, after: usize) {
        let planned = Planned { call: call.to_owned(), after, times: 1, fault: Fault::AnswerLost };
        lock(&self.shared.faults.planned).push(planned);
    }

    /// Forgets what was to go wrong and has not yet.
    pub fn forget_faults(&self) {
        lock(&self.shared.faults.planned).clear();
    }

    /// The calls that changed something since this was asked last, such as `POST /catalogs sales`, in their order.
    pub fn take_changes(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.shared.faults.changes))
    }

    /// The calls that asked for something since this was asked last, such as `GET /catalogs`, in their order.
    pub fn take_reads(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.shared.faults.reads))
    }

    /// All calls since this was asked last.
    pub fn take_calls(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.shared.faults.calls))
    }

    fn fault_for(&self, call: &str) -> Option<Fault> {
        let mut planned = lock(&self.shared.faults.planned);
        let at = planned.iter().position(|planned| planned.times > 0 && call.contains(&planned.call))?;
        if planned[at].after > 0 {
            planned[at].after -= 1;
            return None;
        }
        planned[at].times -= 1;
        Some(planned[at].fault.clone())
    }

    /// One call: `work` is done unless the region is away or the call is to fail. The health hears of it as of a real one.
    pub(super) fn call<T>(
        &self,
        call: &str,
        work: impl FnOnce(&Self) -> Result<T, Refusal>,
    ) -> Result<T, ConnectError> {
        let url = format!("memory://{}", self.shared.region);
        let asked = Asked { region: &self.shared.region, url: &url, call };
        lock(&self.shared.faults.calls).push(call.to_owned());
        let (changes, answers) = (!call.starts_with("GET"), self.health.answers());
        let unreachable = |cause: &str| {
            self.health.failed(answers, cause);
            Err(asked.unreachable(cause))
        };
        if self.shared.faults.away.load(Ordering::SeqCst) {
            return unreachable("connection refused");
        }
        if !changes {
            lock(&self.shared.faults.reads).push(call.to_owned());
        }
        let fault = self.fault_for(call);
        let answer = match &fault {
            Some(Fault::Refused { status, code, message }) => Err(Refusal::new(*status, code, message)),
            Some(Fault::AnswerLost) | None => work(self),
        };
        match answer {
            Ok(answer) => {
                if changes {
                    lock(&self.shared.faults.changes).push(call.to_owned());
                }
                if matches!(fault, Some(Fault::AnswerLost)) {
                    return unreachable("no answer in time");
                }
                self.health.answered(changes && !call.contains("temporary-") && !call.contains("staging-tables"));
                Ok(answer)
            }
            Err(refusal) if refusal.status == 429 => {
                self.health.answered(false);
                let (region, call) = (self.shared.region.clone(), call.to_owned());
                Err(ConnectError::RateLimited { region, call, waited: Duration::ZERO })
            }
            Err(refusal) => {
                self.health.answered(false);
                let body = serde_json::to_string(&refusal.body).expect("plain data");
                let status = StatusCode::from_u16(refusal.status).expect("a status");
                Err(asked.refused(status, &body))
            }
        }
    }
}
