//! What the list of failover groups shows: rows, what narrows them, and their order.

use crate::console::format;
use crate::console::scene::Scene;
use crate::console::screens::group::proof_is_old;
use crate::console::widgets::chip;
use crate::control::view::GroupView;
use crate::domain::{CatalogName, GroupId, GroupState, Region};
use std::cmp::Ordering;

/// What one row shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The group.
    pub id: GroupId,
    /// What it covers: `3 catalogs · 128 objects`.
    pub scope: String,
    /// Its state.
    pub state: GroupState,
    /// How long it has been so.
    pub state_age: String,
    /// The primary region.
    pub primary: Region,
    /// The secondary region.
    pub secondary: Region,
    /// How far the replica is behind, in milliseconds; None until bootstrap ends.
    pub behind_ms: Option<i64>,
    /// The replication point.
    pub point: Option<String>,
    /// What happens in the meantime, where there is no point: a percentage.
    pub progress: Option<u8>,
    /// The group's RPO target, where the replica is further behind than that.
    pub over_target: Option<String>,
    /// Objects with errors.
    pub errors: usize,
    /// Whether an error holds the replication point back.
    pub blocked: bool,
    /// Whether a person has to do something.
    pub needs_person: bool,
    /// When something last showed that the secondary can take over: `12 d ago`, `Never`; a dash where it isn't told.
    pub proven: String,
    /// How long ago that was, in milliseconds; None where it never was.
    pub proven_ms: Option<i64>,
    /// Whether it is too long ago.
    pub proof_is_old: bool,
    /// Short ids of the stable URLs that follow it.
    pub stable_urls: Vec<String>,
}

impl Row {
    /// The row as a sentence, for screen readers.
    pub fn spoken(&self) -> String {
        let behind = self.behind_ms.map_or_else(String::new, |behind| format!(", {} behind", format::age(behind)));
        let over =
            self.over_target.as_ref().map_or_else(String::new, |target| format!(", over its target of {target}"));
        let errors = match self.errors {
            0 => String::new(),
            errors => format!(", {}", format::plural(errors, "error", "errors")),
        };
        let proven = match self.proven.as_str() {
            "—" => String::new(),
            "Never" => ", never proven".to_owned(),
            ago => format!(", proven {ago}"),
        };
        format!(
            "Open {}, {}, {} to {}{behind}{over}{errors}{proven}",
            self.id, self.state, self.primary, self.secondary
        )
    }
}

/// What the rows are narrowed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Filter {
    /// Nothing is left out.
    #[default]
    All,
    /// Groups in which a person has to do something.
    NeedsPerson,
    /// Groups that are ACTIVE.
    Active,
    /// Groups in which something is under way.
    UnderWay,
}

impl Filter {
    /// Every filter, in the order on screen.
    pub const EVERY: [Self; 4] = [Self::All, Self::NeedsPerson, Self::UnderWay, Self::Active];

    /// Its words.
    pub fn label(self) -> &'static str {
        match self {
            Self::All => "All",
            Self::NeedsPerson => "Need attention",
            Self::Active => "Active",
            Self::UnderWay => "Under way",
        }
    }

    /// Whether it leaves a row in.
    pub fn takes(self, row: &Row) -> bool {
        match self {
            Self::All => true,
            Self::NeedsPerson => row.needs_person,
            Self::Active => row.state == GroupState::Active,
            Self::UnderWay => matches!(
                row.state,
                GroupState::Creating | GroupState::InitialReplication | GroupState::FailingOver | GroupState::Deleting
            ),
        }
    }
}

/// A column to sort by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// What needs a person first, then by name.
    #[default]
    Attention,
    /// By name.
    Name,
    /// By the state's word.
    State,
    /// By the primary region.
    Direction,
    /// Furthest behind first.
    Point,
    /// Most errors first.
    Errors,
    /// What was never proven first, then the longest ago.
    Proven,
    /// By the first stable URL; groups without one last.
    StableUrl,
}

/// Search, filter and order of the list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GroupQuery {
    /// Words that must all be found in name, catalogs, regions, state or stable URLs.
    pub search: String,
    /// What the rows are narrowed to.
    pub filter: Filter,
    /// What they are ordered by.
    pub sort: SortBy,
    /// Whether the order is turned around.
    pub reversed: bool,
}

impl GroupQuery {
    /// Sorts by `column`; pressed again it turns the order around, and a third time leaves it to urgency.
    pub fn press(&mut self, column: SortBy) {
        (self.sort, self.reversed) = match (self.sort == column, self.reversed) {
            (false, _) => (column, false),
            (true, false) => (column, true),
            (true, true) => (SortBy::Attention, false),
        };
    }

    fn order(&self, a: &(u8, Row), b: &(u8, Row)) -> Ordering {
        let (urgent_a, a) = a;
        let (urgent_b, b) = b;
        let column = match self.sort {
            SortBy::Attention => urgent_a.cmp(urgent_b),
            SortBy::Name => Ordering::Equal,
            SortBy::State => a.state.as_str().cmp(b.state.as_str()),
            SortBy::Direction => (&a.primary, &a.secondary).cmp(&(&b.primary, &b.secondary)),
            // A group without a point is further behind than any other.
            SortBy::Point => {
                let behind = |row: &Row| row.behind_ms.unwrap_or(i64::MAX);
                behind(b).cmp(&behind(a))
            }
            SortBy::Proven => {
                let ago = |row: &Row| row.proven_ms.unwrap_or(i64::MAX);
                ago(b).cmp(&ago(a))
            }
            SortBy::Errors => (b.blocked, b.errors).cmp(&(a.blocked, a.errors)),
            SortBy::StableUrl => {
                let key = |row: &Row| (row.stable_urls.is_empty(), row.stable_urls.first().cloned());
                key(a).cmp(&key(b))
            }
        };
        let by_column = if self.reversed && self.sort != SortBy::Name { column.reverse() } else { column };
        let by_name = a.id.cmp(&b.id);
        by_column.then(if self.reversed && self.sort == SortBy::Name { by_name.reverse() } else { by_name })
    }
}

/// Every row that the search finds, and how many each filter takes of them.
pub fn rows(scene: &Scene<'_>, query: &GroupQuery) -> (Vec<Row>, [usize; 4]) {
    let words: Vec<String> = query.search.split_whitespace().map(str::to_lowercase).collect();
    let found = scene.account().groups.iter().map(|view| (urgency(view), row(scene, view), view));
    let mut found: Vec<(u8, Row)> = found
        .filter(|(_, row, view)| {
            let text = searched(row, view);
            words.iter().all(|word| text.contains(word))
        })
        .map(|(urgency, row, _)| (urgency, row))
        .collect();
    let counts = Filter::EVERY.map(|filter| found.iter().filter(|(_, row)| filter.takes(row)).count());
    found.retain(|(_, row)| query.filter.takes(row));
    found.sort_by(|a, b| query.order(a, b));
    (found.into_iter().map(|(_, row)| row).collect(), counts)
}

fn searched(row: &Row, view: &GroupView) -> String {
    let catalogs = CatalogName::list(view.group.catalogs());
    let urls = row.stable_urls.join(" ");
    format!("{} {catalogs} {} {} {} {urls}", row.id, row.primary, row.secondary, row.state).to_lowercase()
}

/// What needs a person comes first.
fn urgency(view: &GroupView) -> u8 {
    match view.group.state {
        GroupState::CreationFailed | GroupState::FailoverFailed | GroupState::DeletionFailed => 0,
        GroupState::FailingOver => 1,
        _ if view.group.has_replication_point_blocking_errors || chip::is_unprotected(&view.group) => 2,
        _ => 3,
    }
}

fn row(scene: &Scene<'_>, view: &GroupView) -> Row {
    let group = &view.group;
    let id = &group.spec.id;
    let catalogs = format::plural(group.catalogs().len(), "catalog", "catalogs");
    let objects = format::plural(view.objects.len(), "object", "objects");
    let behind_ms = group.replication_point.map(|point| scene.age_ms(point));
    let targets = scene.targets(id);
    let is_over = behind_ms.is_some_and(|behind| targets.is_breached_by(u64::try_from(behind).unwrap_or(0)));
    let told = !scene.is_of_another_account();
    let proven_ms = view.rehearsals.last_proof.as_ref().map(|proof| scene.age_ms(proof.at));
    let urls = scene.account().stable_urls.iter().filter(|url| url.group.as_ref() == Some(id));
    Row {
        id: id.clone(),
        scope: if view.objects.is_empty() { catalogs } else { format!("{catalogs} · {objects}") },
        state: group.state,
        state_age: format::short_age(scene.age_ms(view.state_since)),
        primary: group.effective_primary_region.clone(),
        secondary: group.effective_secondary_region().to_owned(),
        behind_ms,
        point: group.replication_point.map(format::utc),
        progress: group.initial_replication_progress,
        over_target: targets.rpo_s.filter(|_| is_over).map(|seconds| format::age(i64::from(seconds) * 1000)),
        errors: view.errors.len(),
        blocked: group.has_replication_point_blocking_errors,
        needs_person: is_over || !matches!(urgency(view), 1 | 3) || !view.to_resume.is_empty(),
        proven: match proven_ms {
            _ if !told => "—".to_owned(),
            Some(ago) => format!("{} ago", format::short_age(ago)),
            None => "Never".to_owned(),
        },
        proven_ms,
        proof_is_old: proof_is_old(scene, view).is_some(),
        stable_urls: urls.map(|url| url.id.clone()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(id: &str, behind_ms: Option<i64>, errors: usize) -> (u8, Row) {
        let row = Row {
            id: GroupId::new(id).expect("valid"),
            scope: String::new(),
            state: GroupState::Active,
            state_age: String::new(),
            primary: Region::new("us-east-1"),
            secondary: Region::new("us-west-2"),
            behind_ms,
            point: None,
            progress: None,
            over_target: None,
            errors,
            blocked: false,
            needs_person: false,
            proven: String::new(),
            proven_ms: None,
            proof_is_old: false,
            stable_urls: Vec::new(),
        };
        (3, row)
    }

    fn sorted(query: &GroupQuery) -> Vec<String> {
        let mut rows = vec![row("b", Some(5), 0), row("a", Some(900), 2), row("c", None, 1)];
        rows.sort_by(|a, b| query.order(a, b));
        rows.into_iter().map(|(_, row)| row.id.to_string()).collect()
    }

    #[test]
    fn a_column_is_sorted_turned_around_and_left() {
        let mut query = GroupQuery::default();
        assert_eq!(sorted(&query), ["a", "b", "c"]);
        query.press(SortBy::Point);
        assert_eq!(sorted(&query), ["c", "a", "b"], "without a point comes first, then the furthest behind");
        query.press(SortBy::Point);
        assert_eq!(sorted(&query), ["b", "a", "c"]);
        query.press(SortBy::Point);
        assert_eq!(query.sort, SortBy::Attention);
        query.press(SortBy::Errors);
        assert_eq!(sorted(&query), ["a", "c", "b"]);
        query.press(SortBy::Name);
        query.press(SortBy::Name);
        assert_eq!(sorted(&query), ["c", "b", "a"]);
    }
}
