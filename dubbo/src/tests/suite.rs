//! What every codec promises, on the frames of real encoders.

use wireloom_codecs::{Role, codec_suite, suite::Sample};

use super::{Vector, vectors};
use crate::{DubboCodec, DubboConfig, Head};

fn samples() -> Vec<Sample> {
    let sample = |vector: Vector| {
        let head = Head::parse(&vector.frame).unwrap();
        // Announcements are a provider's, though they are flagged as requests.
        let announcement = head.is_event() && !head.is_two_way();
        let role = match head.is_request() && !announcement {
            true => Role::Downstream,
            false => Role::Upstream,
        };
        Sample::new(vector.name, role, vector.frame)
    };
    vectors().into_iter().map(sample).collect()
}

codec_suite!(DubboCodec, DubboConfig::default(), samples());
