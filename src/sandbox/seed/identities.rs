//! The seeded users, groups and service principals. An account's are the same in both regions, but for a few.

use crate::sandbox::principals::{ADMINS, EVERYBODY, key};
use crate::sandbox::records::{Kind, Writing};
use crate::sandbox::region::Region;
use crate::sandbox::writer::text_hash;
use crate::wire::scim::{GROUPS, SERVICE_PRINCIPALS, ScimPrincipal, ScimValue, USERS};

/// User name, name for people, and whether the secondary knows them too.
const PEOPLE: [(&str, &str, bool); 5] = [
    ("ana.lima@example.com", "Ana Lima", true),
    ("kofi.mensah@example.com", "Kofi Mensah", true),
    ("mei.tanaka@example.com", "Mei Tanaka", true),
    ("lars.holm@example.com", "Lars Holm", true),
    ("noor.aziz@example.com", "Noor Aziz", false),
];
/// Application id, name for people, and whether the secondary knows it too.
const SERVICES: [(&str, &str, bool); 3] = [
    ("6f1c0d5e-2b6a-4c1f-9d55-0a7be0d1a001", "orders-ingest", true),
    ("6f1c0d5e-2b6a-4c1f-9d55-0a7be0d1a002", "finance-reports", true),
    ("6f1c0d5e-2b6a-4c1f-9d55-0a7be0d1a003", "legacy-loader", false),
];
/// Group, members, and whether the secondary knows it too.
const TEAMS: [(&str, &[&str], bool); 4] = [
    ("sales-analysts", &["ana.lima@example.com", "kofi.mensah@example.com"], true),
    ("controllers", &["mei.tanaka@example.com"], true),
    ("plant-engineers", &["lars.holm@example.com"], true),
    ("field-contractors", &["noor.aziz@example.com"], false),
];

/// The same name has the same id in every region of every account.
fn id(name: &str) -> String {
    (1_000_000_000_000 + text_hash(name) % 8_000_000_000_000_000).to_string()
}

fn member(family: &str, name: &str) -> ScimValue {
    let mut member = ScimValue { value: id(name), display: Some(name.to_owned()), ..ScimValue::default() };
    member.other.insert("$ref".to_owned(), format!("{family}/{}", id(name)).into());
    member
}

pub fn seed(region: &Region, writing: &mut Writing<'_>, primary: bool) {
    let mut put = |family: &str, name: &str, record: ScimPrincipal| {
        let record = ScimPrincipal { id: id(name), ..record };
        writing.put(Kind::Principal, key(family, &record.id), &record);
    };
    let (admin, service) = (region.identity.admin_name.as_str(), region.identity.replication_name.as_str());
    for (name, display, everywhere) in [(admin, "Admin", true)].into_iter().chain(PEOPLE) {
        if primary || everywhere {
            let (name, display) = (name.to_owned(), Some(display.to_owned()));
            let record = ScimPrincipal { user_name: Some(name.clone()), display_name: display, ..active() };
            put(USERS, &name, record);
        }
    }
    for (name, display, everywhere) in [(service, "Resilience Console", true)].into_iter().chain(SERVICES) {
        if primary || everywhere {
            let (name, display) = (name.to_owned(), Some(display.to_owned()));
            let record = ScimPrincipal { application_id: Some(name.clone()), display_name: display, ..active() };
            put(SERVICE_PRINCIPALS, &name, record);
        }
    }
    let admins = vec![member(USERS, admin), member(SERVICE_PRINCIPALS, service)];
    let mut groups = vec![(ADMINS, admins), (EVERYBODY, Vec::new())];
    for (name, members, _) in TEAMS.into_iter().filter(|(.., everywhere)| primary || *everywhere) {
        groups.push((name, members.iter().map(|name| member(USERS, name)).collect()));
    }
    for (name, members) in groups {
        put(GROUPS, name, ScimPrincipal { display_name: Some(name.to_owned()), members, ..ScimPrincipal::default() });
    }
}

fn active() -> ScimPrincipal {
    ScimPrincipal { active: Some(true), ..ScimPrincipal::default() }
}
