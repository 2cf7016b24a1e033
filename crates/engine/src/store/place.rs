//! Stores that are not on this machine: buckets of S3, Google Cloud and Azure, by URL.

use std::fmt;
use std::time::Duration;

use object_store::aws::AmazonS3Builder;
use object_store::azure::MicrosoftAzureBuilder;
use object_store::gcp::GoogleCloudStorageBuilder;
use object_store::prefix::PrefixStore;
use object_store::{BackoffConfig, ClientOptions, ObjectStore, ObjectStoreScheme, RetryConfig};
use url::Url;

use super::StoreError;
use super::line::{Line, detail};

/// What variables of the environment that matter here begin with.
const PREFIXES: [&str; 4] = ["AWS_", "GOOGLE_", "AZURE_", "SERVICE_ACCOUNT"];
/// Times that a request is sent again: after 0.1 s, then twice as long each, as long as the answer may take.
const RETRIES: usize = 6;
/// The longest pause before a request is sent again.
const PAUSE_MAX: Duration = Duration::from_secs(3);
/// A server that is there accepts connections sooner.
const CONNECT: Duration = Duration::from_secs(5);

/// A store that is not on this machine.
#[derive(Clone, PartialEq, Eq)]
pub struct Remote {
    url: Url,
    scheme: Scheme,
    variables: Vec<(String, String)>,
    patience: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    S3,
    Google,
    Azure,
}

impl fmt::Debug for Remote {
    /// Without the variables: some are secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Remote").field("url", &self.url.as_str()).field("patience", &self.patience).finish()
    }
}

impl Remote {
    /// How long a question may take until the store counts as silent, unless it is said otherwise.
    pub const PATIENCE: Duration = Duration::from_secs(30);

    /// The bucket, and the prefix in it, of a URL such as `s3://bucket/states`. `variables` are those of the environment (`AWS_*`,
    /// `GOOGLE_*`, `AZURE_*`: credentials, region, endpoint); others are not looked at. No question is asked yet.
    ///
    /// # Errors
    /// [`StoreError::Url`] for anything that is no URL of a known kind.
    pub fn new(
        url: &str,
        variables: impl IntoIterator<Item = (String, String)>,
        patience: Duration,
    ) -> Result<Self, StoreError> {
        let refused = |detail: &str| StoreError::Url { url: url.to_owned(), detail: detail.to_owned() };
        let url: Url = url.parse().map_err(|error: url::ParseError| refused(&error.to_string()))?;
        let scheme = match ObjectStoreScheme::parse(&url) {
            Ok((ObjectStoreScheme::AmazonS3, _)) => Scheme::S3,
            Ok((ObjectStoreScheme::GoogleCloudStorage, _)) => Scheme::Google,
            Ok((ObjectStoreScheme::MicrosoftAzure, _)) => Scheme::Azure,
            Ok((ObjectStoreScheme::Http, _)) => {
                return Err(refused(
                    "no known store has this address; for a server that speaks S3 set AWS_ENDPOINT_URL",
                ));
            }
            _ if url.host_str().is_none_or(str::is_empty) => return Err(refused("it names no bucket")),
            _ => return Err(refused("there is no such kind of store")),
        };
        let matters = |(name, _): &(String, String)| PREFIXES.iter().any(|prefix| name.starts_with(prefix));
        let variables = variables.into_iter().filter(matters).filter(|(_, value)| !value.is_empty()).collect();
        Ok(Self { url, scheme, variables, patience })
    }

    /// How it is named to the user.
    pub fn url(&self) -> &str {
        self.url.as_str()
    }

    pub(super) fn line(&self) -> Result<Line, StoreError> {
        let place = self.url.to_string();
        let objects = self.objects().map_err(|error| {
            let hint = self.forgotten().map(|hint| format!(" ({hint})")).unwrap_or_default();
            StoreError::Io { place: place.clone(), action: "opened", detail: detail(&error) + &hint }
        })?;
        Ok(Line::new(place, objects).with_patience(self.patience, self.forgotten()))
    }

    fn objects(&self) -> object_store::Result<Box<dyn ObjectStore>> {
        let (_, prefix) = ObjectStoreScheme::parse(&self.url).map_err(object_store::Error::from)?;
        let (url, options, retry) = (self.url.as_str(), self.client(), self.retry());
        Ok(match self.scheme {
            Scheme::S3 => {
                let builder = AmazonS3Builder::new().with_url(url).with_client_options(options).with_retry(retry);
                let set = self.settings("AWS_").fold(builder, |b, (key, value)| match key.parse() {
                    Ok(key) => b.with_config(key, value),
                    Err(_) => b,
                });
                Box::new(PrefixStore::new(set.build()?, prefix))
            }
            Scheme::Google => {
                let builder =
                    GoogleCloudStorageBuilder::new().with_url(url).with_client_options(options).with_retry(retry);
                let set = self.settings("GOOGLE_").fold(builder, |b, (key, value)| match key.parse() {
                    Ok(key) => b.with_config(key, value),
                    Err(_) => b,
                });
                let set = match self.variable("SERVICE_ACCOUNT") {
                    Some(path) => set.with_service_account_path(path),
                    None => set,
                };
                Box::new(PrefixStore::new(set.build()?, prefix))
            }
            Scheme::Azure => {
                let builder = MicrosoftAzureBuilder::new().with_url(url).with_client_options(options).with_retry(retry);
                let set = self.settings("AZURE_").fold(builder, |b, (key, value)| match key.parse() {
                    Ok(key) => b.with_config(key, value),
                    Err(_) => b,
                });
                Box::new(PrefixStore::new(set.build()?, prefix))
            }
        })
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.variables.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Variables as settings of a kind of store, which knows their names in small letters.
    fn settings(&self, prefix: &str) -> impl Iterator<Item = (String, &str)> {
        let of_this = self.variables.iter().filter(move |(name, _)| name.starts_with(prefix));
        of_this.map(|(name, value)| (name.to_ascii_lowercase(), value.as_str()))
    }

    /// One try takes a part of the patience, so that a server that lost one request is asked again.
    fn client(&self) -> ClientOptions {
        let endpoints =
            ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT", "AZURE_STORAGE_ENDPOINT", "GOOGLE_BASE_URL"];
        // Whoever writes http:// means it.
        let is_plain = endpoints.iter().any(|name| self.variable(name).is_some_and(|url| url.starts_with("http://")));
        let options =
            ClientOptions::new().with_timeout(self.patience / 3).with_connect_timeout(CONNECT.min(self.patience / 3));
        options.with_allow_http(is_plain)
    }

    fn retry(&self) -> RetryConfig {
        RetryConfig {
            backoff: BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: PAUSE_MAX, base: 2.0 },
            max_retries: RETRIES,
            retry_timeout: self.patience,
        }
    }

    /// Credentials that are not there: where none are set, the machine's own are asked for, which only machines of that cloud have.
    fn forgotten(&self) -> Option<&'static str> {
        let has = |names: &[&str]| names.iter().any(|name| self.variable(name).is_some());
        let (names, hint): (&[&str], _) = match self.scheme {
            Scheme::S3 => (
                &[
                    "AWS_ACCESS_KEY_ID",
                    "AWS_SECRET_ACCESS_KEY",
                    "AWS_WEB_IDENTITY_TOKEN_FILE",
                    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
                    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
                    "AWS_SKIP_SIGNATURE",
                ],
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; profiles are not read",
            ),
            Scheme::Google => (
                &[
                    "GOOGLE_APPLICATION_CREDENTIALS",
                    "GOOGLE_SERVICE_ACCOUNT",
                    "GOOGLE_SERVICE_ACCOUNT_PATH",
                    "GOOGLE_SERVICE_ACCOUNT_KEY",
                    "GOOGLE_BEARER_TOKEN",
                    "GOOGLE_SKIP_SIGNATURE",
                    "SERVICE_ACCOUNT",
                ],
                "GOOGLE_APPLICATION_CREDENTIALS is not set",
            ),
            Scheme::Azure => (
                &[
                    "AZURE_STORAGE_ACCOUNT_KEY",
                    "AZURE_STORAGE_ACCESS_KEY",
                    "AZURE_STORAGE_SAS_TOKEN",
                    "AZURE_STORAGE_SAS_KEY",
                    "AZURE_STORAGE_TOKEN",
                    "AZURE_CLIENT_ID",
                    "AZURE_STORAGE_CLIENT_ID",
                    "AZURE_FEDERATED_TOKEN_FILE",
                    "AZURE_SKIP_SIGNATURE",
                    "AZURE_STORAGE_USE_EMULATOR",
                    "AZURE_USE_AZURE_CLI",
                ],
                "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY are not set",
            ),
        };
        (!has(names)).then_some(hint)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn remote(url: &str, variables: &[(&str, &str)]) -> Result<Remote, StoreError> {
        let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Remote::new(url, variables, Remote::PATIENCE)
    }

    #[test]
    fn buckets_of_three_clouds_are_known_and_nothing_else() {
        for url in
            ["s3://b", "s3://b/states/x", "gs://b/states", "az://c/states", "abfss://c@account.dfs.core.windows.net/x"]
        {
            assert!(remote(url, &[]).is_ok(), "{url}");
        }
        for (url, why) in [
            ("s4://bucket", "no such kind"),
            ("ftp://host/x", "no such kind"),
            ("https://minio.local/bucket", "AWS_ENDPOINT_URL"),
            ("s3:///states", "names no bucket"),
            ("s3://", "names no bucket"),
        ] {
            let error = remote(url, &[]).unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("s3://BUCKET/PREFIX"), "{url}: {error}");
        }
    }

    #[test]
    fn what_is_not_set_is_said_and_secrets_are_not() {
        let key = [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "hush"), ("HOME", "/root")];
        let with = remote("s3://b", &key).unwrap();
        assert_eq!((with.forgotten(), with.variables.len()), (None, 2));
        assert!(!format!("{with:?}").contains("hush"));
        assert!(with.line().is_ok());
        for (url, want) in
            [("s3://b", "AWS_ACCESS_KEY_ID"), ("gs://b", "GOOGLE_"), ("az://c", "AZURE_STORAGE_ACCOUNT_KEY")]
        {
            assert!(remote(url, &[]).unwrap().forgotten().unwrap().contains(want), "{url}");
        }
        let half = remote("s3://b", &key[..1]).unwrap().line().unwrap_err().to_string();
        assert!(half.contains("cannot be opened") && half.to_lowercase().contains("secret"), "{half}");
        let nameless = remote("az://c", &[]).unwrap().line().unwrap_err().to_string();
        assert!(nameless.contains("AZURE_STORAGE_ACCOUNT_NAME"), "{nameless}");
    }
}
