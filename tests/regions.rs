//! Every kind of region passes one suite, and two of one's own are a deployment.

mod regions {
    pub mod account;
    pub mod catalog_commits;
    pub mod cli;
    pub mod delta_api;
    pub mod double;
    pub mod failing_over;
    pub mod hanging;
    pub mod kinds;
    pub mod minilake;
    pub mod suite;
}
