//! Every shape of table, from a disk or a store into a store, over lines that hold.

use super::proxy::{Fault, Proxy};
use super::replica::{assert_equal, catch_up, objects, ship_once};
use super::rows::assert_same_rows;
use super::servers::{self, Server};
use super::tables::{Table, every_shape};
use resilience::delta::TableRoot;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn local(table: &Table) -> TableRoot {
    TableRoot::Local(table.path.clone())
}

/// Brings tables of every shape along `hops`, grows them on the way, and compares every stop with the source each time.
async fn every_shape_goes(hops: &[(&Server, &str)]) {
    let folder = tempfile::tempdir().expect("a folder");
    let mut tables = every_shape(folder.path());
    for round in 0..3 {
        for table in &mut tables {
            let mut from = local(table);
            for (server, prefix) in hops {
                let to = server.root(&format!("{prefix}/{}", table.name));
                assert_eq!(catch_up(&from, &to).await, 0);
                assert_equal(table, &to).await;
                from = to;
            }
            if round == 0 && !table.has_rows {
                // A checkpoint that comes when its commit has long arrived.
                table.checkpoint_late(table.version());
            }
            table.grow(if round == 0 { 5 } else { 1 });
        }
    }
    // Made again under the same path, and a log cleaned below where the replica stands.
    for table in &mut tables {
        if table.has_rows {
            continue;
        }
        table.grow(2);
        table.checkpoint_late(table.version());
        table.clean_log_below(table.version());
        table.grow(1);
        let mut from = local(table);
        for (server, prefix) in hops {
            let to = server.root(&format!("{prefix}/{}", table.name));
            assert_eq!(catch_up(&from, &to).await, 0);
            let there = objects(&to).await;
            for (rel, bytes) in super::tables::files_of(&table.path) {
                assert_eq!(there.get(&rel), Some(&(bytes.len() as u64)), "{rel} in {to}");
            }
            from = to;
        }
        std::fs::remove_dir_all(&table.path).expect("a drop");
        *table = Table::by_hand(folder.path(), table.name);
        table.append("p=new/file.parquet", 3_000);
        let mut from = local(table);
        for (server, prefix) in hops {
            let to = server.root(&format!("{prefix}/{}", table.name));
            assert_eq!(catch_up(&from, &to).await, 0);
            assert_eq!(ship_once(&from, &to, None).await.map(|shipped| shipped.is_none()).ok(), Some(true));
            let replaced =
                objects(&to).await.into_keys().filter(|rel| rel.starts_with("_resilience/replaced/1/_delta_log/"));
            assert!(replaced.count() > 0, "the old log is kept aside");
            from = to;
        }
    }
    for table in tables.iter_mut().filter(|table| table.has_rows) {
        let mut from = local(table);
        let mut replicas = Vec::new();
        for (server, prefix) in hops {
            let to = server.root(&format!("{prefix}/{}", table.name));
            catch_up(&from, &to).await;
            replicas.push((*server, server.uri(&format!("{prefix}/{}", table.name))));
            from = to;
        }
        assert_same_rows(&table.path, &replicas);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_shape_goes_from_a_disk_to_s3() {
    let Some(s3) = servers::s3() else { return };
    every_shape_goes(&[(&s3, "from-disk")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_shape_goes_from_s3_to_another_prefix_and_on_to_another_s3() {
    let (Some(s3), Some(other)) = (servers::s3(), servers::other_s3()) else { return };
    every_shape_goes(&[(&s3, "one"), (&s3, "two"), (&other, "three")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_shape_goes_from_s3_to_azure_and_within_azure() {
    let (Some(s3), Some(azure)) = (servers::s3(), servers::azure()) else { return };
    every_shape_goes(&[(&s3, "to-azure"), (&azure, "one"), (&azure, "two")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn within_one_store_the_store_copies_big_files_itself() {
    let Some(s3) = servers::s3() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = Table::by_hand(folder.path(), "big");
    table.grow(3);
    catch_up(&local(&table), &s3.root("copied/source")).await;
    let copies = Arc::new(AtomicUsize::new(0));
    let counted = copies.clone();
    let line = Proxy::start(s3.port, move |request| {
        counted.fetch_add(usize::from(request.copies), Ordering::Relaxed);
        Fault::None
    });
    let through = s3.through(line.port);
    assert_eq!(catch_up(&through.root("copied/source"), &through.root("copied/replica")).await, 0);
    assert_equal(&table, &s3.root("copied/replica")).await;
    let sent = line.sent.load(Ordering::Relaxed);
    assert_eq!(copies.load(Ordering::Relaxed), 1, "the one big file");
    assert!(sent < 1 << 20, "{sent} bytes were sent for a file that the store copied");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_that_are_refused_are_named_and_never_shown() {
    let (Some(s3), Some(azure)) = (servers::s3(), servers::azure()) else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let mut table = Table::by_hand(folder.path(), "refused");
    table.grow(1);
    let mut wrong = s3.credentials();
    if let Some(aws) = &mut wrong.aws_temp_credentials {
        aws.secret_access_key = "wrong-hunter2".into();
    }
    let mut expired = azure.credentials();
    if let Some(sas) = &mut expired.azure_user_delegation_sas {
        sas.sas_token = sas.sas_token.expose().replace("sig=", "sig=hunter2").into();
    }
    for root in [s3.root_with("refused", &wrong), azure.root_with("refused", &expired)] {
        let fault = ship_once(&local(&table), &root, None).await.expect_err("a refusal");
        assert_eq!(fault.class, resilience::domain::ErrorClass::PermissionDenied, "{fault:?}");
        assert!(fault.message.contains("credentials"), "{fault}");
        assert!(!format!("{fault:?} {fault} {root:?}").contains("hunter2"), "{fault:?}");
    }
}
