//! Thrift messages in Dubbo's framing, cut anywhere.
#![no_main]

wireloom_codecs::fuzz_codec!(wireloom_thrift::DubboThriftCodec, ());
