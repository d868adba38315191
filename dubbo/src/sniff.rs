//! Recognising Dubbo by its magic.

use wireloom_codecs::{Sniff, sniff_pattern};

/// `da bb` is Dubbo and nothing else is: two bytes decide.
///
/// A Java provider also takes telnet commands on its port; a proxy does not, so these are not recognised.
pub(crate) fn sniff(prefix: &[u8]) -> Sniff {
    sniff_pattern(&[|b| b == 0xda, |b| b == 0xbb], prefix)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_first_byte_of_every_protocol() {
        let table: serde_json::Value =
            serde_json::from_str(include_str!("../vectors/sniffing.json")).unwrap();
        let mut own = 0;
        for vector in table["vectors"].as_array().unwrap() {
            let name = vector["name"].as_str().unwrap();
            let bytes = hex::decode(vector["hex"].as_str().unwrap()).unwrap();
            let dubbo = vector["expect"]["protocol"] == "dubbo";
            own += usize::from(dubbo);
            for len in 0..=bytes.len() {
                let expected = match (len, bytes[0], dubbo) {
                    (0, ..) | (1, 0xda, _) => Sniff::More,
                    (_, _, true) => Sniff::Match,
                    (_, _, false) => Sniff::Never,
                };
                assert_eq!(sniff(&bytes[..len]), expected, "{name} after {len} bytes");
            }
            if dubbo {
                assert_eq!(vector["expect"]["min_bytes_to_decide"], 2, "{name}");
            }
        }
        assert_eq!(own, 2);
        assert_eq!(sniff(&[0xda, 0xbc]), Sniff::Never);
        assert_eq!(sniff(&[0xbb, 0xda]), Sniff::Never);
    }
}
