//! Copies into real object stores: SeaweedFS for S3, Azurite for Azure, on healthy lines and on breaking ones.
//!
//! `packaging/test.sh` installs the servers and names them in `STORES_WEED` and `STORES_AZURITE`, and a Python with `deltalake` in
//! `DELTA_PYTHON`, and Spark's in `SPARK_SUBMIT`. The tests start the servers themselves; what is not named is said, and its tests don't run.

mod stores {
    mod broken_lines;
    mod healthy_lines;
    mod kills;
    mod proxy;
    mod replica;
    mod rows;
    mod servers;
    mod spark;
    #[allow(dead_code)] // What only the stories use.
    #[path = "../stories/support.rs"]
    mod support;
    mod tables;
    mod vended;
    mod whole_group;
}
