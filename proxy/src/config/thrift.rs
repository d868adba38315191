//! What a listener says of Thrift other than the protocol's own settings do.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use wireloom_codecs::units::Size;
use wireloom_thrift::types::{Protocol, Transport};
use wireloom_thrift::{Pipelined, ThriftConfig};

use super::types::not_null;

/// Thrift on one listener. What is not given is as `protocols.thrift` says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ListenerThrift {
    /// The transport that clients use: `framed`, `buffered`, `header` or `ttheader`.
    #[serde(deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Transport")]
    pub transport: Option<Transport>,
    /// The protocol that clients use: `binary`, `compact` or `binary_non_strict`.
    #[serde(deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Protocol")]
    pub protocol: Option<Protocol>,
    /// The service of a call that names none.
    #[serde(deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub service: Option<String>,
    /// The THeader or TTHeader pair that names the service.
    #[serde(deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub service_header: Option<String>,
    /// Calls that get no answer though they do not say so, as `Service.method` or `method`.
    #[serde(deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub one_way: Option<Vec<String>>,
    /// How many calls of one connection are carried out beside each other, 1 to 1024.
    #[serde(deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Pipelined")]
    pub pipelined: Option<Pipelined>,
    /// The longest frame, without its length word. Default: as `protocols.thrift` says.
    #[serde(deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Size")]
    pub max_frame: Option<Size>,
    /// A frame over the limit is skipped up to this size. Default: as `protocols.thrift` says.
    #[serde(deserialize_with = "not_null", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Size")]
    pub discard: Option<Size>,
}

impl ListenerThrift {
    /// These settings over those of the protocol.
    pub fn over(&self, protocol: &ThriftConfig) -> ThriftConfig {
        let Self {
            transport,
            protocol: written,
            service,
            service_header,
            one_way,
            pipelined,
            max_frame,
            discard,
        } = self.clone();
        let base = protocol.clone();
        ThriftConfig {
            transport: transport.or(base.transport),
            protocol: written.or(base.protocol),
            service: service.or(base.service),
            service_header: service_header.unwrap_or(base.service_header),
            one_way: one_way.unwrap_or(base.one_way),
            pipelined: pipelined.unwrap_or(base.pipelined),
            max_frame: max_frame.unwrap_or(base.max_frame),
            discard: discard.unwrap_or(base.discard),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_goes_before_the_protocols_settings() {
        let read = |yaml| serde_saphyr::from_str::<ThriftConfig>(yaml).unwrap();
        let over = |yaml| serde_saphyr::from_str::<ListenerThrift>(yaml).unwrap();
        let base =
            "{transport: framed, service: a, service_header: s, one_way: [x], discard: 1MiB}";
        assert_eq!(over("{}").over(&read(base)), read(base));
        let all = "{transport: header, protocol: compact, service: b, service_header: t, one_way: [], pipelined: 1, max_frame: 1KiB, discard: 2MiB}";
        assert_eq!(over(all).over(&read(base)), read(all));
    }
}
