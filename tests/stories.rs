//! Stories of users, one file each; the names of the tests are sentences.

mod stories {
    pub mod approval;
    pub mod back_in_time;
    pub mod bad_input;
    pub mod catalog_objects;
    pub mod clock;
    pub mod credentials;
    pub mod decisions;
    pub mod drill;
    pub mod gateway;
    pub mod gateway_ids;
    pub mod gateway_load;
    pub mod gateway_logins;
    pub mod group_life;
    pub mod left_behind;
    pub mod listener;
    pub mod nothing_lost;
    pub mod notifications;
    pub mod outage;
    pub mod places;
    pub mod reclaim;
    pub mod recover;
    pub mod rehearsal;
    pub mod remedies;
    pub mod serving;
    pub mod support;
    pub mod time_passes;
    pub mod verify;
    pub mod verify_access;
    pub mod what_if;
    pub mod workspace_assets;
}
