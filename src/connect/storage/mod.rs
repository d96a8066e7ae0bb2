//! Where a storage URI leads: a folder of this machine or an object store.

mod azure;
mod login;
mod vended;

pub use login::StoreKeys;
pub use vended::{Renew, Vended};

use crate::connect::error::{ConnectError, innermost};
use crate::domain::SystemClock;
use crate::wire::unity_catalog::TemporaryCredentials;
use azure::Signed;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey, AwsCredential};
use object_store::azure::{AzureConfigKey, AzureCredential, MicrosoftAzureBuilder};
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, RetryConfig};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;
use vended::Picked;

/// How long a connection may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a store may say nothing. A whole answer may take longer: a big file on a slow line isn't a fault.
pub(super) const SILENCE: Duration = Duration::from_secs(30);
/// How often, and how long in all, one request is tried again. A cycle comes back by itself, so it is not longer.
pub(super) const TRIES: u32 = 8;
const TRIED_FOR: Duration = Duration::from_secs(60);

/// An opened place.
#[derive(Clone)]
pub enum StorageHandle {
    /// A folder.
    Local(PathBuf),
    /// A prefix in an object store.
    Remote {
        /// The bucket or container.
        store: Arc<dyn ObjectStore>,
        /// The place in it.
        prefix: Path,
        /// Which bucket or container it is, endpoint included. Between two places with the same one, the store can copy by itself.
        home: String,
        /// What another program needs to open it.
        keys: StoreKeys,
    },
}

/// Shows where it leads, never the store's configuration, which holds credentials.
impl fmt::Debug for StorageHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => f.debug_tuple("Local").field(path).finish(),
            Self::Remote { store, prefix, .. } => write!(f, "Remote({store}, {prefix})"),
        }
    }
}

/// Settings of a region's stores beyond what a URI says: endpoint, region, plain HTTP, credentials of the operator's own.
///
/// Keys are those of `object_store`, such as `aws_endpoint`, `aws_region`, `azure_storage_use_emulator` and
/// `allow_http`; a key that a store doesn't know is left out. `read_timeout` is how long a store may say nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct StorageOptions(BTreeMap<String, String>);

impl StorageOptions {
    /// Takes options by key; keys are read without regard to case.
    pub fn new(options: impl IntoIterator<Item = (String, String)>) -> Self {
        Self(options.into_iter().map(|(key, value)| (key.to_ascii_lowercase(), value)).collect())
    }
}

/// Shows the keys only: values may be secrets.
impl fmt::Debug for StorageOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys()).finish()
    }
}

/// Opens the place that `uri` names. Nothing is read yet.
///
/// `credentials` is the region's answer for this place and wins over what `options` hold.
pub fn open_storage(
    uri: &str,
    credentials: Option<&TemporaryCredentials>,
    options: &StorageOptions,
) -> Result<StorageHandle, ConnectError> {
    let credentials = credentials.cloned().unwrap_or_default();
    let vended = Vended::new(credentials.clone(), None, Arc::new(SystemClock));
    open_vended(uri, &credentials, vended, options)
}

/// Opens the place that `uri` names with credentials that renew themselves; `first` tells of what kind they are.
pub fn open_vended(
    uri: &str,
    first: &TemporaryCredentials,
    vended: Vended,
    options: &StorageOptions,
) -> Result<StorageHandle, ConnectError> {
    let bad = |problem: String| ConnectError::BadStorage { uri: uri.to_owned(), problem };
    let url = Url::parse(uri).map_err(|error| bad(format!("it is not a URI ({error})")))?;
    if url.scheme() == "file" {
        let path = url.to_file_path().map_err(|()| bad("it names another machine".to_owned()))?;
        return Ok(StorageHandle::Local(path));
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err(bad("it names no bucket or container".to_owned()));
    }
    let prefix = Path::from_url_path(url.path()).map_err(|error| bad(innermost(&error)))?;
    let place = Remote { uri, url: &url, first, vended: Arc::new(vended), options };
    let keys = StoreKeys { url: url.clone(), options: options.clone(), vended: place.vended.clone() };
    let opened = match url.scheme() {
        "s3" | "s3a" => place.s3(),
        "abfss" | "abfs" | "az" | "azure" | "adl" | "wasbs" | "wasb" => place.azure(),
        "gs" => place.gcs(),
        other => return Err(bad(format!("{other}:// is no storage that can be reached (file, s3, abfss and gs can)"))),
    };
    let (store, endpoint) = opened.map_err(|error| bad(innermost(&error)))?;
    let home =
        format!("{} {} {}@{}", kind_of(url.scheme()), endpoint, url.username(), url.host_str().unwrap_or_default());
    Ok(StorageHandle::Remote { store, prefix, home, keys })
}

/// One name for the schemes of one kind of store.
fn kind_of(scheme: &str) -> &str {
    match scheme {
        "s3" | "s3a" => "s3",
        "gs" => "gs",
        _ => "azure",
    }
}

/// A store that answers at an endpoint; the text is empty for the provider's own.
type Opened = object_store::Result<(Arc<dyn ObjectStore>, String)>;

struct Remote<'a> {
    uri: &'a str,
    url: &'a Url,
    first: &'a TemporaryCredentials,
    vended: Arc<Vended>,
    options: &'a StorageOptions,
}

fn client() -> ClientOptions {
    ClientOptions::new().with_timeout_disabled().with_connect_timeout(CONNECT_TIMEOUT).with_read_timeout(SILENCE)
}

/// Waits grow from a tenth of a second to ten, each drawn at random so that transfers don't come back together.
fn retry() -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(10), base: 2.0 };
    RetryConfig { backoff, max_retries: TRIES as usize, retry_timeout: TRIED_FOR }
}

impl Remote<'_> {
    /// The options that a store of this kind knows.
    fn options<K: std::str::FromStr>(&self) -> impl Iterator<Item = (K, &String)> {
        self.options.0.iter().filter_map(|(key, value)| Some((key.parse::<K>().ok()?, value)))
    }

    /// Where the region vended such a credential, a provider of it.
    fn provider<C>(&self, store: &'static str, pick: fn(&TemporaryCredentials) -> Option<C>) -> Option<Arc<Picked<C>>> {
        pick(self.first).map(|_| Arc::new(Picked { vended: self.vended.clone(), pick, store }))
    }

    fn s3(&self) -> Opened {
        let mut builder = AmazonS3Builder::new().with_url(self.uri).with_client_options(client()).with_retry(retry());
        for (key, value) in self.options::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value);
        }
        if let Some(provider) = self.provider("S3", aws_credential) {
            builder = builder.with_credentials(provider);
        }
        let endpoint = builder.get_config_value(&AmazonS3ConfigKey::Endpoint).unwrap_or_default();
        Ok((Arc::new(builder.build()?), endpoint))
    }

    fn azure(&self) -> Opened {
        // The older scheme of the same store.
        let uri = self.uri.replacen("wasbs://", "abfss://", 1).replacen("wasb://", "abfs://", 1);
        let mut builder = MicrosoftAzureBuilder::new().with_url(uri).with_client_options(client()).with_retry(retry());
        for (key, value) in self.options::<AzureConfigKey>() {
            builder = builder.with_config(key, value);
        }
        let told = |key| builder.get_config_value(&key).unwrap_or_default();
        let host = self.url.host_str().unwrap_or_default();
        // Hadoop's way to write it names container and account, the shorter one only the container.
        let (container, account) = match self.url.username() {
            "" => (host.to_owned(), told(AzureConfigKey::AccountName)),
            container => (container.to_owned(), host.split('.').next().unwrap_or_default().to_owned()),
        };
        let endpoint = told(AzureConfigKey::Endpoint);
        let home = format!("{endpoint} {account}");
        let Some(provider) = self.provider("Azure storage", azure_credential) else {
            return Ok((Arc::new(builder.build()?), home));
        };
        let store = builder.with_credentials(provider.clone()).build()?;
        if self.first.azure_user_delegation_sas.is_none() {
            return Ok((Arc::new(store), home));
        }
        let own = if endpoint.is_empty() { format!("https://{account}.blob.core.windows.net") } else { endpoint };
        let container = Url::parse(&format!("{}/{container}", own.trim_end_matches('/')));
        let container = container
            .map_err(|error| object_store::Error::Generic { store: "Azure storage", source: Box::new(error) })?;
        Ok((Arc::new(Signed::new(store, container, provider)?), home))
    }

    fn gcs(&self) -> Opened {
        let mut builder =
            GoogleCloudStorageBuilder::new().with_url(self.uri).with_client_options(client()).with_retry(retry());
        for (key, value) in self.options::<GoogleConfigKey>() {
            builder = builder.with_config(key, value);
        }
        if let Some(provider) = self.provider("Google Cloud Storage", gcp_credential) {
            builder = builder.with_credentials(provider);
        }
        Ok((Arc::new(builder.build()?), String::new()))
    }
}

fn aws_credential(credentials: &TemporaryCredentials) -> Option<AwsCredential> {
    let session = credentials.aws_temp_credentials.as_ref().or(credentials.r2_temp_credentials.as_ref())?;
    Some(AwsCredential {
        key_id: session.access_key_id.clone(),
        secret_key: session.secret_access_key.expose().to_owned(),
        token: session.session_token.as_ref().map(|token| token.expose().to_owned()),
    })
}

fn azure_credential(credentials: &TemporaryCredentials) -> Option<AzureCredential> {
    if let Some(sas) = &credentials.azure_user_delegation_sas {
        let text = sas.sas_token.expose().trim_start_matches('?');
        let pairs = url::form_urlencoded::parse(text.as_bytes()).into_owned().collect();
        return Some(AzureCredential::SASToken(pairs));
    }
    let token = credentials.azure_aad.as_ref()?;
    Some(AzureCredential::BearerToken(token.aad_token.expose().to_owned()))
}

fn gcp_credential(credentials: &TemporaryCredentials) -> Option<GcpCredential> {
    let token = credentials.gcp_oauth_token.as_ref()?;
    Some(GcpCredential { bearer: token.oauth_token.expose().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::unity_catalog::{AwsCredentials, AzureSas, GcpToken};

    fn opened(uri: &str, credentials: Option<&TemporaryCredentials>) -> StorageHandle {
        let options = StorageOptions::new([("AWS_Region".to_owned(), "us-east-1".to_owned())]);
        open_storage(uri, credentials, &options).expect("the storage opens")
    }

    fn prefix(handle: &StorageHandle) -> &str {
        match handle {
            StorageHandle::Remote { prefix, .. } => prefix.as_ref(),
            StorageHandle::Local(path) => panic!("{} is local", path.display()),
        }
    }

    #[test]
    fn a_file_uri_is_a_folder_decoded_once() {
        match opened("file:///data/us-east-1/a%20b%2520", None) {
            StorageHandle::Local(path) => assert_eq!(path, PathBuf::from("/data/us-east-1/a b%20")),
            remote => panic!("{remote:?} is remote"),
        }
    }

    #[test]
    fn each_scheme_finds_bucket_and_prefix() {
        let aws = TemporaryCredentials {
            aws_temp_credentials: Some(AwsCredentials {
                access_key_id: "AKIA".to_owned(),
                secret_access_key: "hunter2".into(),
                session_token: Some("hunter3".into()),
            }),
            ..TemporaryCredentials::default()
        };
        let s3 = opened("s3://lake/sales/orders", Some(&aws));
        assert_eq!(prefix(&s3), "sales/orders");
        assert!(!format!("{s3:?} {aws:?}").contains("hunter"));

        let sas = TemporaryCredentials {
            azure_user_delegation_sas: Some(AzureSas { sas_token: "sv=2021&sig=hunter2".into() }),
            ..TemporaryCredentials::default()
        };
        let azure = opened("abfss://lake@account.dfs.core.windows.net/sales/orders", Some(&sas));
        assert_eq!(prefix(&azure), "sales/orders");
        assert!(!format!("{azure:?} {sas:?}").contains("hunter"));

        let gcp = TemporaryCredentials {
            gcp_oauth_token: Some(GcpToken { oauth_token: "hunter2".into() }),
            ..TemporaryCredentials::default()
        };
        assert_eq!(prefix(&opened("gs://lake/sales", Some(&gcp))), "sales");
    }

    #[test]
    fn only_one_bucket_behind_one_endpoint_is_one_home() {
        let home = |uri: &str, endpoint: &str| {
            let options = StorageOptions::new([("aws_endpoint".to_owned(), endpoint.to_owned())]);
            match open_storage(uri, None, &options).expect("the storage opens") {
                StorageHandle::Remote { home, .. } => home,
                StorageHandle::Local(path) => panic!("{} is local", path.display()),
            }
        };
        assert_eq!(home("s3://lake/a", "https://one"), home("s3a://lake/b/c", "https://one"));
        assert_ne!(home("s3://lake/a", "https://one"), home("s3://lake/a", "https://two"));
        assert_ne!(home("s3://lake/a", ""), home("s3://other/a", ""));
        let azure = "abfss://lake@account.dfs.core.windows.net/a";
        assert_ne!(home(azure, ""), home("abfss://lake@other.dfs.core.windows.net/a", ""));
        assert_eq!(prefix(&opened("wasbs://lake@account.blob.core.windows.net/a/b", None)), "a/b");
    }

    #[test]
    fn what_cannot_be_opened_is_said_in_a_sentence() {
        for uri in ["lake/orders", "hdfs://nn/orders", "s3:///orders", "file://elsewhere/orders"] {
            let error = open_storage(uri, None, &StorageOptions::default()).expect_err("nothing to open");
            assert!(error.to_string().contains(uri), "{error}");
            assert_eq!(error.class(), crate::domain::ErrorClass::StorageFailure);
        }
    }

    #[test]
    fn options_never_show_their_values() {
        let options = StorageOptions::new([("aws_secret_access_key".to_owned(), "hunter2".to_owned())]);
        assert_eq!(format!("{options:?}"), r#"["aws_secret_access_key"]"#);
    }
}
