//! A blocking client for the Prometheus protocols.

use crate::wire::{LabelMatcher, MatcherType, Query, ReadRequest, ReadResponse, TimeSeries, WriteRequest};
use anyhow::{Context, Result, bail};
use prost::Message;
use serde_json::Value;
use std::time::Duration;
use ureq::Agent;

/// An HTTP client that reports every status as an answer.
pub fn agent(timeout: Duration) -> Agent {
    Agent::config_builder().http_status_as_error(false).timeout_global(Some(timeout)).build().into()
}

/// A whole HTTP answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Status.
    pub status: u16,
    /// Headers in the server's order, names in lower case; one given twice is there twice.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
}

impl Answer {
    /// All values of a header, by its name in lower case.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(own, _)| own == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }

    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The answer itself when its status is 2xx.
    ///
    /// # Errors
    /// Else: status and the body's beginning.
    pub fn ok(self) -> Result<Self> {
        if (200..300).contains(&self.status) {
            return Ok(self);
        }
        bail!("status {}: {}", self.status, self.text().chars().take(500).collect::<String>())
    }
}

/// A server's base URL with the headers that every request carries.
#[derive(Clone, Debug)]
pub struct Endpoint {
    base: String,
    headers: Vec<(String, String)>,
    agent: Agent,
}

impl Endpoint {
    /// A server at a base URL such as `http://127.0.0.1:9090`.
    pub fn new(base: &str) -> Self {
        Self {
            base: base.trim_end_matches('/').to_owned(),
            headers: Vec::new(),
            agent: agent(Duration::from_secs(120)),
        }
    }

    /// The same server with one more header in every request.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The base URL.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// Any request. `path` begins with a slash.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        let url = format!("{}{path}", self.base);
        let mut request = ureq::http::Request::builder().method(method).uri(&url);
        for (name, value) in self
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .chain(headers.iter().copied())
        {
            request = request.header(name, value);
        }
        let mut answer = if body.is_empty() && method != "POST" {
            self.agent.run(request.body(())?)
        } else {
            self.agent.run(request.body(body)?)
        }
        .with_context(|| format!("{method} {url}"))?;
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                (name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into_owned())
            })
            .collect();
        let body = answer
            .body_mut()
            .with_config()
            .limit(1 << 30)
            .read_to_vec()
            .with_context(|| format!("{method} {url}"))?;
        Ok(Answer { status: answer.status().as_u16(), headers, body })
    }

    /// GET.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn get(&self, path: &str) -> Result<Answer> {
        self.send("GET", path, &[], b"")
    }

    /// POST.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn post(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
        self.send("POST", path, headers, body)
    }

    /// GET of a JSON document.
    ///
    /// # Errors
    /// When the status is not 2xx or the body is no JSON.
    pub fn get_json(&self, path: &str) -> Result<Value> {
        let answer = self.get(path)?.ok().with_context(|| format!("GET {}{path}", self.base))?;
        serde_json::from_slice(&answer.body).with_context(|| format!("GET {}{path}: no JSON", self.base))
    }

    /// Remote write. The answer may have any status.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub fn remote_write(&self, request: &WriteRequest) -> Result<Answer> {
        let body = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec())?;
        self.post(
            "/api/v1/write",
            &[
                ("Content-Type", "application/x-protobuf"),
                ("Content-Encoding", "snappy"),
                ("X-Prometheus-Remote-Write-Version", "0.1.0"),
            ],
            &body,
        )
    }

    /// Remote read in SAMPLES form: every series that all matchers match, sorted by labels.
    ///
    /// # Errors
    /// When the status is not 2xx or the body cannot be decoded.
    pub fn remote_read(
        &self,
        matchers: &[(&str, MatcherType, &str)],
        start_ms: i64,
        end_ms: i64,
    ) -> Result<Vec<TimeSeries>> {
        let matchers = matchers
            .iter()
            .map(|(name, kind, value)| LabelMatcher {
                r#type: *kind as i32,
                name: (*name).to_owned(),
                value: (*value).to_owned(),
            })
            .collect();
        let request = ReadRequest {
            queries: vec![Query { start_timestamp_ms: start_ms, end_timestamp_ms: end_ms, matchers }],
            accepted_response_types: vec![0],
        };
        let body = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec())?;
        let answer = self
            .post(
                "/api/v1/read",
                &[
                    ("Content-Type", "application/x-protobuf"),
                    ("Content-Encoding", "snappy"),
                    ("X-Prometheus-Remote-Read-Version", "0.1.0"),
                ],
                &body,
            )?
            .ok()
            .context("remote read")?;
        let plain =
            snap::raw::Decoder::new().decompress_vec(&answer.body).context("remote read: no snappy")?;
        let mut series: Vec<TimeSeries> = ReadResponse::decode(plain.as_slice())?
            .results
            .into_iter()
            .flat_map(|result| result.timeseries)
            .collect();
        series.sort_by(|a, b| {
            let key = |s: &TimeSeries| -> Vec<(String, String)> {
                s.labels.iter().map(|label| (label.name.clone(), label.value.clone())).collect()
            };
            key(a).cmp(&key(b))
        });
        Ok(series)
    }

    /// Remote read of all series of a metric.
    ///
    /// # Errors
    /// As [`Endpoint::remote_read`].
    pub fn read_metric(&self, metric: &str, start_ms: i64, end_ms: i64) -> Result<Vec<TimeSeries>> {
        self.remote_read(&[("__name__", MatcherType::Eq, metric)], start_ms, end_ms)
    }

    /// `data` of an exemplar query.
    ///
    /// # Errors
    /// As [`Endpoint::get_json`].
    pub fn exemplars(&self, query: &str, start_ms: i64, end_ms: i64) -> Result<Value> {
        let path = format!(
            "/api/v1/query_exemplars?query={}&start={}&end={}",
            percent(query),
            seconds(start_ms),
            seconds(end_ms)
        );
        Ok(self.get_json(&path)?["data"].take())
    }

    /// `data` of a metadata query, an object of lists by metric.
    ///
    /// # Errors
    /// As [`Endpoint::get_json`].
    pub fn metadata(&self, metric: &str) -> Result<Value> {
        Ok(self.get_json(&format!("/api/v1/metadata?metric={}", percent(metric)))?["data"].take())
    }

    /// `data.result` of an instant query.
    ///
    /// # Errors
    /// As [`Endpoint::get_json`].
    pub fn query(&self, query: &str, time_ms: i64) -> Result<Value> {
        let path = format!("/api/v1/query?query={}&time={}", percent(query), seconds(time_ms));
        Ok(self.get_json(&path)?["data"]["result"].take())
    }
}

/// Unix ms as seconds with three decimals, as Prometheus' API takes them.
pub fn seconds(ms: i64) -> String {
    format!("{}.{:03}", ms.div_euclid(1000), ms.rem_euclid(1000))
}

/// Percent-encodes everything that is not unreserved in RFC 3986.
pub fn percent(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn encodes_times_and_queries() {
        assert_eq!(super::seconds(1_700_000_000_005), "1700000000.005");
        assert_eq!(super::percent("a{b=\"ü\"}"), "a%7Bb%3D%22%C3%BC%22%7D");
    }
}
