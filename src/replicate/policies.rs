//! Tables under an attribute policy: a replica would show everybody what the policy hides, so none is made.
//!
//! No list tells policies. A table is asked about before it is first shipped, and then when its turn comes.

use super::engine::CycleRequest;
use super::rhythm::Rhythm;
use super::table_task::TableTask;
use super::{CycleError, ObjectRecord};
use crate::connect::ConnectError;
use crate::domain::ErrorClass;
use crate::wire::unity_catalog::Securable;
use futures::{StreamExt, stream};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

/// Calls at a time.
const PARALLEL: usize = 8;

/// Which tables are under which policies.
#[derive(Debug, Default)]
pub struct Policies {
    /// Names of the policies of each table that was asked about.
    found: BTreeMap<String, Vec<String>>,
    rhythm: Rhythm<String>,
    /// The source has no such call.
    unserved: bool,
}

/// Answers for the tables that are under a policy, and gives back the others.
pub async fn pass_over<'t>(
    request: &CycleRequest<'_>,
    tasks: Vec<TableTask<'t>>,
    policies: &mut Policies,
    objects: &mut Vec<ObjectRecord>,
) -> Result<Vec<TableTask<'t>>, CycleError> {
    if policies.unserved {
        return Ok(tasks);
    }
    let units: Vec<(String, usize)> = tasks.iter().map(|task| (task.name.clone(), 1)).collect();
    let now = request.clock.monotonic();
    let mut due = policies.rhythm.turns(&units, now);
    due.extend(units.into_iter().map(|(name, _)| name).filter(|name| !policies.found.contains_key(name)));
    let ask = |name: String| async move {
        let answer = request.source.client.policies(Securable::Table, &name).await;
        (name, answer)
    };
    let each: Vec<_> = due.into_iter().map(ask).collect();
    let answers: Vec<(String, Result<Vec<_>, ConnectError>)> = stream::iter(each).buffered(PARALLEL).collect().await;
    for (name, answer) in answers {
        match answer {
            Ok(found) => {
                policies.found.insert(name.clone(), found.into_iter().map(|policy| policy.name).collect());
            }
            Err(error) if error.is_unreachable() => return Err(CycleError::at(&request.source.region, error)),
            Err(error) if error.is_not_served() => {
                *policies = Policies { unserved: true, ..Policies::default() };
                return Ok(tasks);
            }
            // What can't be asked keeps what is known of it.
            Err(_) => drop(policies.found.entry(name.clone()).or_default()),
        }
        policies.rhythm.looked_at(name, now);
    }
    let mut rest = Vec::with_capacity(tasks.len());
    for task in tasks {
        let Some(first) = policies.found.get(&task.name).and_then(|names| names.first()) else {
            rest.push(task);
            continue;
        };
        let message = format!(
            "Policy {first} holds for table {}. Attribute policies can't be replicated, and a replica without it would show what it hides.",
            task.name
        );
        let parameters = BTreeMap::from([("policy".to_owned(), first.clone())]);
        let failure = (ErrorClass::RowFilterOrMask, parameters, message);
        objects.push(ObjectRecord::failed(task.key, failure, request.clock));
        request.progress.tables_done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(rest)
}
