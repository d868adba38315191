//! What every codec promises, on the frames of real encoders.

use wireloom_codecs::{Role, codec_suite, suite::Sample};

use super::vectors;
use crate::{BoltCodec, BoltConfig};

fn samples() -> Vec<Sample> {
    let sample = |vector: vectors::Vector| {
        let role = if vector.is_response() {
            Role::Upstream
        } else {
            Role::Downstream
        };
        Sample::new(vector.name.clone(), role, vector.frame())
    };
    vectors::all().into_iter().map(sample).collect()
}

codec_suite!(BoltCodec, BoltConfig::default(), samples());
