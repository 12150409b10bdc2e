//! `/api/v1/status/buildinfo`.

use super::envelope::{JsonError, open};
use serde::Deserialize;

/// Which server answers, from its build information.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuildInfo {
    /// As the server writes it, e.g. `2.42.0+ds`.
    pub version: String,
    /// `Prometheus`, or what the server calls itself (`application` of Grafana Mimir and its kin).
    pub product: String,
}

impl BuildInfo {
    /// Product and version, as in `Prometheus 2.42.0`.
    pub fn title(&self) -> String {
        format!("{} {}", self.product, self.version)
    }
}

/// Reads build information.
///
/// # Errors
/// [`JsonError`] when the answer is an error or has no version.
pub fn build_info(body: &[u8]) -> Result<BuildInfo, JsonError> {
    #[derive(Deserialize)]
    struct Data {
        version: String,
        application: Option<String>,
    }
    let Some(data) = open::<Data>(body)?.data else {
        return Err(JsonError::Malformed("there is no `data`".to_owned()));
    };
    let product = data.application.filter(|name| !name.is_empty()).unwrap_or_else(|| "Prometheus".to_owned());
    Ok(BuildInfo { version: data.version, product })
}

#[cfg(test)]
mod tests {
    use super::build_info;

    #[test]
    fn version_and_product() {
        let body = include_bytes!("../../../tests/fixtures/answers/prometheus-2.42-buildinfo.json");
        let found = build_info(body).unwrap();
        assert_eq!((found.product.as_str(), found.version.as_str()), ("Prometheus", "2.42.0+ds"));
        let mimir = br#"{"status":"success","data":{"application":"Grafana Mimir","version":"2.9.0"}}"#;
        assert_eq!(build_info(mimir).unwrap().product, "Grafana Mimir");
        assert!(build_info(br#"{"status":"success","data":{}}"#).is_err());
    }
}
