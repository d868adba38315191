//! `access`: which clients may send requests, by their addresses.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::{ErrorKind, LocalError, Needs};

use super::client::{Client, ForwardedConfig};
use super::networks::Networks;
use super::{Configured, Exchanged, Filter, Flow};
use crate::Problem;
use crate::config::{OneOrMany, not_null};
use crate::matcher::{each, network};

/// Which clients may send requests, by their addresses. Others are refused: HTTP 403, gRPC PERMISSION_DENIED.
///
/// A client in `deny` is refused, also if it is in `allow`. Where there is an `allow`, who is not in it is refused;
/// where there is none, everybody else may. The address is that of the connection unless `forwarded` says otherwise.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AccessConfig {
    /// Networks whose clients may: `10.0.0.0/8`, `2001:db8::/32`, or an address alone. Default: everybody.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "OneOrMany")]
    pub allow: Option<OneOrMany>,
    /// Networks whose clients may not, whatever `allow` says. Default: nobody.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "OneOrMany")]
    pub deny: Option<OneOrMany>,
    /// The address is in a header field. A request whose address a trusted proxy does not say is refused.
    #[serde(
        default,
        deserialize_with = "not_null",
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(with = "ForwardedConfig")]
    pub forwarded: Option<ForwardedConfig>,
}

/// See [`AccessConfig`].
#[derive(Debug)]
pub(super) struct Access {
    allow: Option<Networks>,
    deny: Networks,
    client: Client,
}

impl Configured for Access {
    const NAME: &'static str = "access";
    type Config = AccessConfig;

    fn new(config: AccessConfig) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        if config.allow.is_none() && config.deny.is_none() {
            let message = "refuses nobody: write `allow`, `deny` or both, or leave the filter out";
            problems.push(Problem::new("", message));
        }
        let deny = Networks::compile("deny", config.deny.as_ref(), &mut problems);
        let allow = config.allow.as_ref();
        let compiled = allow.map(|_| Networks::compile("allow", allow, &mut problems));
        for (path, text) in each("allow".to_owned(), allow) {
            if network(text).is_ok_and(|network| deny.cover(&network)) {
                let message =
                    format!("{text} is in `deny` as a whole, which wins: remove one of them");
                problems.push(Problem::new(path, message));
            }
        }
        let client = Client::compile("forwarded", config.forwarded.as_ref(), &mut problems);
        match problems.is_empty() {
            true => Ok(Self {
                allow: compiled,
                deny,
                client,
            }),
            false => Err(problems),
        }
    }
}

impl Filter for Access {
    fn needs(&self) -> Needs {
        self.client.needs()
    }

    fn request(&self, exchange: &mut Exchanged<'_>) -> Flow {
        let Some(address) = self.client.of(exchange) else {
            return refuse(
                "it is not known where the request comes from",
                "unknown_address",
            );
        };
        if self.deny.contain(address) {
            return refuse("the client's address may not", "denied");
        }
        match &self.allow {
            Some(allow) if !allow.contain(address) => refuse(
                "the client's address is not one of those that may",
                "not_allowed",
            ),
            _ => Flow::Continue,
        }
    }
}

fn refuse(detail: &'static str, reason: &'static str) -> Flow {
    Flow::reject(LocalError::new(ErrorKind::Denied, detail), reason)
}

#[cfg(test)]
mod tests {
    use super::super::testing::{Given, refused};
    use super::*;

    fn access(config: &str) -> Result<Access, Vec<Problem>> {
        Access::new(serde_json::from_str(config).unwrap())
    }

    fn reason(config: &str, mut given: Given) -> Option<&'static str> {
        let flow = given.ask(&access(config).unwrap());
        refused(&flow).map(|(kind, reason)| {
            assert_eq!(kind, ErrorKind::Denied);
            reason
        })
    }

    #[test]
    fn deny_wins_and_allow_shuts_out_the_others() {
        let both = r#"{"allow": ["10.0.0.0/8", "::1"], "deny": "10.9.0.0/16"}"#;
        let ask = |from| reason(both, Given::from(from));
        assert_eq!(ask("10.1.2.3"), None);
        assert_eq!(ask("::1"), None);
        assert_eq!(ask("::ffff:10.1.2.3"), None);
        assert_eq!(ask("10.9.2.3"), Some("denied"));
        assert_eq!(ask("192.0.2.1"), Some("not_allowed"));
        assert_eq!(ask("::2"), Some("not_allowed"));
        let deny = r#"{"deny": ["10.9.0.0/16"]}"#;
        assert_eq!(reason(deny, Given::from("192.0.2.1")), None);
        assert_eq!(reason(deny, Given::from("10.9.0.1")), Some("denied"));
    }

    #[test]
    fn an_address_that_a_proxy_keeps_to_itself_is_refused() {
        let config = r#"{"deny": "203.0.113.0/24", "forwarded": {"proxies": "10.0.0.1"}}"#;
        let ask = |from, list: Option<&str>| {
            let given = Given::from(from);
            reason(
                config,
                match list {
                    Some(list) => given.with("x-forwarded-for", list),
                    None => given,
                },
            )
        };
        assert_eq!(ask("10.0.0.1", Some("203.0.113.5, 192.0.2.1")), None);
        assert_eq!(
            ask("10.0.0.1", Some("192.0.2.1, 203.0.113.5")),
            Some("denied")
        );
        assert_eq!(ask("10.0.0.1", None), Some("unknown_address"));
        assert_eq!(ask("203.0.113.5", Some("192.0.2.1")), Some("denied"));
        let needs = access(config).unwrap().needs();
        assert_eq!(needs.names().collect::<Vec<_>>(), ["x-forwarded-for"]);
    }

    #[test]
    fn contradictions_are_mistakes() {
        for (config, place, told) in [
            ("{}", "", "refuses nobody"),
            (r#"{"allow": "10.0.0.0/33"}"#, "allow", "no network"),
            (
                r#"{"allow": ["10.1.0.0/16", "::1"], "deny": "10.0.0.0/8"}"#,
                "allow[0]",
                "which wins",
            ),
            (
                r#"{"deny": "::1", "forwarded": {"hops": 0, "proxies": "::1"}}"#,
                "forwarded.hops",
                "1 to 16",
            ),
            (
                r#"{"deny": "::1", "forwarded": {"proxies": ["me"]}}"#,
                "forwarded.proxies",
                "no network",
            ),
        ] {
            let problems = access(config).unwrap_err();
            let [problem] = &problems[..] else {
                panic!("{config}: {problems:?}")
            };
            assert_eq!(problem.path, place, "{config}");
            assert!(problem.message.contains(told), "{config}: {problem}");
        }
    }
}
