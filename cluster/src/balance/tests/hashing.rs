//! The same endpoint for the same hash.

use rand::RngExt;

use super::super::maglev::{Maglev, SIZE};
use super::super::ring::Ring;
use super::*;

fn named(names: impl IntoIterator<Item = impl ToString>) -> Vec<(String, f64)> {
    let names = names.into_iter();
    names.map(|name| (name.to_string(), 1.0)).collect()
}

#[test]
fn places_are_where_envoy_has_them() {
    // The ring of six addresses and at least twelve places in Envoy's ring_hash_lb_test.cc.
    let members = named((90..96).map(|port| format!("127.0.0.1:{port}")));
    let ring = Ring::build(&members, 12, 8 << 20);
    let expected = [
        (833_437_586_790_550_860, 4),
        (928_266_305_478_181_108, 2),
        (1_033_482_794_131_418_490, 0),
        (3_551_244_743_356_806_947, 5),
        (3_851_675_632_748_031_481, 3),
        (5_583_722_120_771_150_861, 1),
        (6_311_230_543_546_372_928, 1),
        (7_700_377_290_971_790_572, 3),
        (13_144_177_310_400_110_813, 5),
        (13_444_792_449_719_432_967, 2),
        (15_516_499_411_664_133_160, 4),
        (16_117_243_373_044_804_889, 0),
    ];
    assert_eq!(ring.places(), expected);
    for (hash, position) in [
        (0, 4),
        (u64::MAX, 4),
        (3_551_244_743_356_806_947, 5),
        (3_551_244_743_356_806_948, 3),
    ] {
        assert_eq!(ring.lookup(hash), Some(position), "{hash}");
    }
}

#[test]
fn entries_are_what_envoy_has() {
    // Tables of seven entries in Envoy's maglev_lb_test.cc.
    let addresses = named((90..96).map(|port| format!("127.0.0.1:{port}")));
    let table = Maglev::build(&addresses, 7);
    assert_eq!(table.entries(), [2, 4, 0, 1, 5, 0, 3]);
    let table = Maglev::build(&named(90..96), 7);
    assert_eq!(table.entries(), [2, 5, 0, 3, 4, 1, 0]);
    assert_eq!(table.lookup(8), Some(5));
}

#[test]
fn a_ring_has_its_size_and_places_by_weight() {
    let size = |weights: &[f64], min, max| {
        let members = (0..)
            .zip(weights)
            .map(|(at, w): (u32, _)| (at.to_string(), *w));
        let ring = Ring::build(&members.collect::<Vec<_>>(), min, max);
        let mut counts = vec![0; weights.len()];
        for (_, position) in ring.places() {
            counts[*position as usize] += 1;
        }
        counts
    };
    assert_eq!(size(&[1.0; 4], 1024, 1 << 20), [256; 4]);
    // The lightest has whole places, so that the ring is a bit larger than asked for.
    assert_eq!(size(&[1.0, 2.0], 10, 1 << 20), [4, 8]);
    // At most so many, though the lightest then has next to none.
    let counts = size(&[1.0, 99.0], 1000, 100);
    assert_eq!((counts[0], counts.iter().sum::<u32>()), (1, 100));
    assert_eq!(size(&[], 1024, 2048), Vec::<u32>::new());
}

#[test]
fn a_table_is_full_and_shared_by_weight() {
    let weights = [1.0, 2.0, 5.0, 0.5];
    let members = (0..)
        .zip(weights)
        .map(|(at, w): (u32, _)| (at.to_string(), w));
    let table = Maglev::build(&members.collect::<Vec<_>>(), SIZE);
    let mut counts = [0_u32; 4];
    for position in table.entries() {
        counts[*position as usize] += 1;
    }
    let sum: f64 = weights.iter().sum();
    for (count, weight) in counts.iter().zip(weights) {
        let expected = f64::from(SIZE) * weight / sum;
        assert!(
            (f64::from(*count) - expected).abs() < expected * 0.01,
            "{counts:?}"
        );
    }
    assert_eq!(Maglev::build(&[], SIZE).lookup(7), None);
}

#[test]
fn the_order_of_the_configuration_does_not_matter() {
    for keys in ["balance: ring_hash", "balance: maglev"] {
        let mut forth = Bench::new(&format!("endpoints: [a:1, b:1, c:1]\n{keys}"));
        let mut back = Bench::new(&format!("endpoints: [c:1, b:1, a:1]\n{keys}"));
        for hash in hashes(1000) {
            assert_eq!(
                forth.hashed(hash).unwrap(),
                2 - back.hashed(hash).unwrap(),
                "{keys}"
            );
        }
    }
}

fn hashes(count: usize) -> Vec<u64> {
    let mut rng = SmallRng::seed_from_u64(11);
    (0..count).map(|_| rng.random()).collect()
}

/// Which endpoint each hash goes to, by address.
fn homes(bench: &mut Bench, hashes: &[u64]) -> Vec<String> {
    let homes = hashes.iter().map(|hash| {
        let index = bench.hashed(*hash).unwrap();
        bench.endpoint(index).address().to_string()
    });
    homes.collect()
}

#[test]
fn one_that_goes_or_comes_moves_less_than_two_parts_in_n() {
    // A ring of Envoy's size rule moves (2n - 2) / n² on average: besides what the one had, what the places take that the
    // others get so that the ring keeps its size.
    for (keys, sizes) in [
        ("balance: {ring_hash: {min: 16384}}", [3, 10, 20]),
        ("balance: maglev", [3, 10, 50]),
    ] {
        for count in sizes {
            let mut bench = Bench::weighted(&vec![1; count], keys);
            let hashes = hashes(20_000);
            let all = homes(&mut bench, &hashes);
            let gone = bench.endpoint(count / 2).address().to_string();
            bench.mark(Mark::Ejected, [count / 2]);
            let fewer = homes(&mut bench, &hashes);
            let moved = all
                .iter()
                .zip(&fewer)
                .filter(|(old, new)| old != new)
                .count();
            assert!(fewer.iter().all(|home| *home != gone));
            // Back again, and everything is as it was.
            bench.endpoint(count / 2).marks.set(Mark::Ejected, false);
            bench.replan();
            assert_eq!(homes(&mut bench, &hashes), all);
            assert!(moved < 2 * hashes.len() / count, "{keys} {count}: {moved}");
            assert!(moved > 0);
        }
    }
}

#[test]
fn on_a_ring_only_what_the_one_had_moves() {
    // One place each, however many there are.
    let mut bench = Bench::weighted(&[1; 10], "balance: {ring_hash: {min: 1}}");
    let hashes = hashes(10_000);
    let all = homes(&mut bench, &hashes);
    let gone = bench.endpoint(4).address().to_string();
    bench.mark(Mark::FailedCheck, [4]);
    for (old, new) in all.iter().zip(homes(&mut bench, &hashes)) {
        assert_eq!(*old == gone, *old != new);
    }
}

#[test]
fn without_a_hash_it_is_random() {
    for keys in ["balance: {ring_hash: {min: 100000}}", "balance: maglev"] {
        let mut bench = Bench::weighted(&[1; 4], keys);
        let counts = bench.counts(&Tried::new(), 4000);
        // The table's shares are a little uneven themselves, so this is no matter for a chi-square test.
        assert!(
            counts.iter().all(|count| (850..1150).contains(count)),
            "{keys}: {counts:?}"
        );
    }
}

#[test]
fn a_retry_goes_to_the_same_other_one() {
    for keys in ["balance: ring_hash", "balance: maglev"] {
        let mut bench = Bench::weighted(&[1; 10], keys);
        for hash in hashes(100) {
            let first = bench.hashed(hash).unwrap();
            let tried = bench.tried(&[first]);
            let mut second = || {
                bench.pick(Ask {
                    selection: Selection {
                        hash: Some(hash),
                        subset: None,
                        ..Selection::ANY
                    },
                    tried: &tried,
                    in_flight: 0,
                })
            };
            let other = second().unwrap();
            assert!(other != first && second() == Some(other));
        }
    }
}

#[test]
fn nobody_gets_more_than_the_bound() {
    for keys in [
        "balance: {ring_hash: {bound: 1.25}}",
        "balance: {maglev: {bound: 1.25}}",
    ] {
        let mut bench = Bench::weighted(&[1, 1, 1, 1, 4], keys);
        let mut under_way = Vec::new();
        // All of one key, the worst case.
        for number in 1..=800_u32 {
            let index = bench.pick(Ask {
                selection: Selection {
                    hash: Some(42),
                    subset: None,
                    ..Selection::ANY
                },
                tried: &Tried::new(),
                in_flight: number,
            });
            under_way.push(bench.endpoint(index.unwrap()).begin(u32::MAX).unwrap());
        }
        for (index, weight) in [1, 1, 1, 1, 4].into_iter().enumerate() {
            let most = (1.25 * 800.0 * f64::from(weight) / 8.0).ceil();
            let active = bench.endpoint(index).active();
            assert!(f64::from(active) <= most, "{keys}: {index} has {active}");
        }
        // While there is room, the key stays where it belongs.
        under_way.clear();
        let home = bench.hashed(42).unwrap();
        let _one = bench.endpoint(home).clone().begin(u32::MAX).unwrap();
        let again = bench.pick(Ask {
            selection: Selection {
                hash: Some(42),
                subset: None,
                ..Selection::ANY
            },
            tried: &Tried::new(),
            in_flight: 50,
        });
        assert_eq!(again, Some(home));
    }
}
