//! What another program needs to open a store: its options, and credentials that hold for a while.

use super::{StorageOptions, Vended, aws_credential};
use crate::connect::error::ConnectError;
use crate::wire::store_login::StoreLogin;
use chrono::{DateTime, Utc};
use object_store::ClientConfigKey;
use object_store::aws::AmazonS3ConfigKey;
use object_store::azure::AzureConfigKey;
use object_store::gcp::GoogleConfigKey;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use url::Url;

/// Options of the HTTP client that other programs are told; timeouts are their own business.
const CLIENT_OPTIONS: [&str; 4] = ["allow_http", "allow_invalid_certificates", "proxy_url", "proxy_ca_certificate"];

/// Gives out logins for one store.
#[derive(Clone)]
pub struct StoreKeys {
    pub(super) url: Url,
    pub(super) options: StorageOptions,
    pub(super) vended: Arc<Vended>,
}

impl fmt::Debug for StoreKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreKeys").field("options", &self.options).finish_non_exhaustive()
    }
}

impl StoreKeys {
    /// A login that holds now: the region's credentials where it vends them, else those of the operator's options.
    pub async fn current(&self) -> Result<StoreLogin, ConnectError> {
        let credentials = self.vended.current().await?;
        let until = credentials.expiration_time.and_then(DateTime::<Utc>::from_timestamp_millis);
        let mut out = StoreLogin { url: self.bucket(), until, ..StoreLogin::default() };
        let mut put = |key: &str, value: &str| drop(out.options.insert(key.to_owned(), value.into()));
        match self.url.scheme() {
            "s3" | "s3a" => {
                self.each::<AmazonS3ConfigKey>(&mut put);
                if let Some(aws) = aws_credential(&credentials) {
                    put(AmazonS3ConfigKey::AccessKeyId.as_ref(), &aws.key_id);
                    put(AmazonS3ConfigKey::SecretAccessKey.as_ref(), &aws.secret_key);
                    out.options.remove(AmazonS3ConfigKey::Token.as_ref());
                    if let Some(token) = aws.token {
                        out.options.insert(AmazonS3ConfigKey::Token.as_ref().to_owned(), token.into());
                    }
                }
            }
            "gs" => {
                if credentials.gcp_oauth_token.is_some() {
                    return Err(
                        self.cannot("no option of the copying program takes a vended token of Google Cloud Storage")
                    );
                }
                self.each::<GoogleConfigKey>(&mut put);
            }
            _ => {
                self.each::<AzureConfigKey>(&mut put);
                let sas = credentials.azure_user_delegation_sas.as_ref();
                let aad = credentials.azure_aad.as_ref();
                if sas.is_some() || aad.is_some() {
                    for key in [AzureConfigKey::AccessKey, AzureConfigKey::SasKey, AzureConfigKey::Token] {
                        out.options.remove(key.as_ref());
                    }
                }
                if let Some(sas) = sas {
                    let text = sas.sas_token.expose().trim_start_matches('?');
                    out.options.insert(AzureConfigKey::SasKey.as_ref().to_owned(), text.into());
                } else if let Some(aad) = aad {
                    out.options.insert(AzureConfigKey::Token.as_ref().to_owned(), aad.aad_token.clone());
                }
            }
        }
        for key in CLIENT_OPTIONS {
            if let Some(value) = self.options.0.get(key) {
                out.client_options.insert(key.to_owned(), value.clone());
            }
        }
        Ok(out)
    }

    /// Every option that a store of this kind knows, by its full name.
    fn each<K: FromStr + AsRef<str>>(&self, put: &mut dyn FnMut(&str, &str)) {
        for (key, value) in &self.options.0 {
            if key.parse::<ClientConfigKey>().is_ok() {
                continue;
            }
            if let Ok(known) = key.parse::<K>() {
                put(known.as_ref(), value);
            }
        }
    }

    fn bucket(&self) -> String {
        let scheme = match self.url.scheme() {
            "s3a" => "s3",
            "wasbs" => "abfss",
            "wasb" => "abfs",
            other => other,
        };
        let user = match self.url.username() {
            "" => String::new(),
            user => format!("{user}@"),
        };
        format!("{scheme}://{user}{}", self.url.host_str().unwrap_or_default())
    }

    fn cannot(&self, problem: &str) -> ConnectError {
        ConnectError::BadStorage { uri: self.bucket(), problem: problem.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use crate::connect::storage::{StorageHandle, StorageOptions, open_storage};
    use crate::wire::store_login::StoreLogin;
    use crate::wire::unity_catalog::{AwsCredentials, AzureSas, GcpToken, TemporaryCredentials};

    async fn login(uri: &str, credentials: &TemporaryCredentials) -> Result<StoreLogin, String> {
        let options = [
            ("aws_endpoint", "http://127.0.0.1:1"),
            ("aws_session_token", "old"),
            ("azure_storage_account_key", "aGVsbG8="),
            ("allow_http", "true"),
            ("read_timeout", "1s"),
        ];
        let options = StorageOptions::new(options.map(|(key, value)| (key.to_owned(), value.to_owned())));
        match open_storage(uri, Some(credentials), &options).expect("it opens") {
            StorageHandle::Remote { keys, .. } => keys.current().await.map_err(|error| error.to_string()),
            StorageHandle::Local(_) => panic!("a store"),
        }
    }

    #[tokio::test]
    async fn another_program_is_told_the_vended_credentials_and_none_of_the_operators() {
        let aws = TemporaryCredentials {
            aws_temp_credentials: Some(AwsCredentials {
                access_key_id: "key".to_owned(),
                secret_access_key: "hunter2".into(),
                session_token: None,
            }),
            ..TemporaryCredentials::default()
        };
        let s3 = login("s3a://lake/a/b", &aws).await.expect("a login");
        assert_eq!(s3.url, "s3://lake");
        let names: Vec<&str> = s3.options.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["aws_access_key_id", "aws_endpoint", "aws_secret_access_key"],
            "the old session's token went"
        );
        assert_eq!(s3.client_options.keys().collect::<Vec<_>>(), ["allow_http"]);
        assert!(!format!("{s3:?}").contains("hunter2"));

        let sas = TemporaryCredentials {
            azure_user_delegation_sas: Some(AzureSas { sas_token: "?sv=1&sig=hunter2".into() }),
            ..TemporaryCredentials::default()
        };
        let azure = login("wasbs://lake@account.blob.core.windows.net/a", &sas).await.expect("a login");
        assert_eq!(azure.url, "abfss://lake@account.blob.core.windows.net");
        let names: Vec<&str> = azure.options.keys().map(String::as_str).collect();
        assert_eq!(names, ["azure_storage_sas_key"], "the account's key isn't handed on");

        let gcp = TemporaryCredentials {
            gcp_oauth_token: Some(GcpToken { oauth_token: "hunter2".into() }),
            ..TemporaryCredentials::default()
        };
        let refused = login("gs://lake/a", &gcp).await.expect_err("no option takes it");
        assert!(refused.contains("gs://lake") && !refused.contains("hunter2"), "{refused}");
    }
}
