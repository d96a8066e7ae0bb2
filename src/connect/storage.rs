//! Where a storage URI leads: a folder of this machine or an object store.

use super::error::{ConnectError, innermost};
use crate::wire::unity_catalog::{AwsCredentials, TemporaryCredentials};
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, AzureCredential, MicrosoftAzureBuilder};
use object_store::gcp::{GcpCredential, GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::path::Path;
use object_store::{ObjectStore, StaticCredentialProvider};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

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
    },
}

/// Shows where it leads, never the store's configuration, which holds credentials.
impl fmt::Debug for StorageHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local(path) => f.debug_tuple("Local").field(path).finish(),
            Self::Remote { store, prefix } => write!(f, "Remote({store}, {prefix})"),
        }
    }
}

/// Settings of a region's stores beyond what a URI says: endpoint, region, plain HTTP, credentials of the operator's own.
///
/// Keys are those of `object_store`, such as `aws_endpoint`, `aws_region`, `azure_storage_use_emulator` and
/// `allow_http`; a key that a store doesn't know is left out.
#[derive(Clone, Default)]
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
    let store = match url.scheme() {
        "s3" | "s3a" => s3(uri, credentials, options),
        "abfss" | "abfs" | "az" | "azure" | "adl" => azure(uri, credentials, options),
        "gs" => gcs(uri, credentials, options),
        other => return Err(bad(format!("{other}:// is no storage that can be reached (file, s3, abfss and gs can)"))),
    };
    let store = store.map_err(|error| bad(innermost(&error)))?;
    Ok(StorageHandle::Remote { store, prefix })
}

type Opened = object_store::Result<Arc<dyn ObjectStore>>;

fn s3(uri: &str, credentials: Option<&TemporaryCredentials>, options: &StorageOptions) -> Opened {
    let mut builder = AmazonS3Builder::new().with_url(uri);
    for (key, value) in &options.0 {
        if let Ok(key) = key.parse::<AmazonS3ConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    let session = credentials.and_then(|c| c.aws_temp_credentials.as_ref().or(c.r2_temp_credentials.as_ref()));
    if let Some(AwsCredentials { access_key_id, secret_access_key, session_token }) = session {
        builder = builder.with_credentials(Arc::new(StaticCredentialProvider::new(object_store::aws::AwsCredential {
            key_id: access_key_id.clone(),
            secret_key: secret_access_key.expose().to_owned(),
            token: session_token.as_ref().map(|token| token.expose().to_owned()),
        })));
    }
    Ok(Arc::new(builder.build()?))
}

fn azure(uri: &str, credentials: Option<&TemporaryCredentials>, options: &StorageOptions) -> Opened {
    let mut builder = MicrosoftAzureBuilder::new().with_url(uri);
    for (key, value) in &options.0 {
        if let Ok(key) = key.parse::<AzureConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(sas) = credentials.and_then(|c| c.azure_user_delegation_sas.as_ref()) {
        builder = builder.with_config(AzureConfigKey::SasKey, sas.sas_token.expose());
    } else if let Some(token) = credentials.and_then(|c| c.azure_aad.as_ref()) {
        let credential = AzureCredential::BearerToken(token.aad_token.expose().to_owned());
        builder = builder.with_credentials(Arc::new(StaticCredentialProvider::new(credential)));
    }
    Ok(Arc::new(builder.build()?))
}

fn gcs(uri: &str, credentials: Option<&TemporaryCredentials>, options: &StorageOptions) -> Opened {
    let mut builder = GoogleCloudStorageBuilder::new().with_url(uri);
    for (key, value) in &options.0 {
        if let Ok(key) = key.parse::<GoogleConfigKey>() {
            builder = builder.with_config(key, value);
        }
    }
    if let Some(token) = credentials.and_then(|c| c.gcp_oauth_token.as_ref()) {
        let credential = GcpCredential { bearer: token.oauth_token.expose().to_owned() };
        builder = builder.with_credentials(Arc::new(StaticCredentialProvider::new(credential)));
    }
    Ok(Arc::new(builder.build()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::unity_catalog::{AzureSas, GcpToken};

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
