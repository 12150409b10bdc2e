//! Samples as nearly every series has them: eighteen bytes each, one behind the other.

use super::RawSeries;
use super::encode::SAMPLE_BYTES;
use crate::model::Millis;
use crate::proto::Reader;

/// The samples of a series that has nothing but labels and at least one of them, in strict time order. They need not be
/// decoded to be found again on another side, or at a time.
#[derive(Clone, Copy, Debug)]
pub struct PlainSamples<'a> {
    frames: &'a [[u8; SAMPLE_BYTES]],
    first_ms: Millis,
    last_ms: Millis,
}

impl<'a> RawSeries<'a> {
    /// The samples, if they are plain.
    pub fn plain_samples(&self) -> Option<PlainSamples<'a>> {
        let summary = &self.summary;
        let (frames, rest) = self.bytes.get(summary.labels_end..)?.as_chunks();
        // No sample lies before a label, or there would be fewer bytes than all of them take.
        let plain = summary.ascending
            && !summary.unknown
            && rest.is_empty()
            && frames.len() == summary.plain_samples
            && summary.rows() == summary.plain_samples
            && !frames.is_empty();
        plain.then_some(PlainSamples { frames, first_ms: summary.first_ms, last_ms: summary.last_ms })
    }
}

impl PlainSamples<'_> {
    /// How many there are; at least one.
    pub fn count(&self) -> usize {
        self.frames.len()
    }

    /// Time of the first one, Unix ms.
    pub fn first_ms(&self) -> Millis {
        self.first_ms
    }

    /// Time of the last one, Unix ms.
    pub fn last_ms(&self) -> Millis {
        self.last_ms
    }

    /// Time of one of them, Unix ms.
    pub fn at(&self, index: usize) -> Option<Millis> {
        Reader::new(self.frames.get(index)?, 0).plain_sample().map(|(at, _)| at)
    }

    /// Whether both have the same times and, bit for bit, the same values.
    ///
    /// No branch and no call in the loop: Rust's comparison of slices goes byte by byte in WebAssembly.
    pub fn is_same(&self, other: &PlainSamples<'_>) -> bool {
        if self.frames.len() != other.frames.len() {
            return false;
        }
        let (words, rest) = self.frames.as_flattened().as_chunks();
        let (other_words, other_rest) = other.frames.as_flattened().as_chunks();
        let apart = words
            .iter()
            .zip(other_words)
            .fold(0, |apart, (one, other)| apart | (u64::from_ne_bytes(*one) ^ u64::from_ne_bytes(*other)));
        apart == 0 && rest == other_rest
    }
}

#[cfg(test)]
mod tests {
    use super::super::RawSeries;
    use crate::model::{Labels, Sample, Series};
    use crate::prom_read::SlabData;
    use crate::proto::Reader;
    use proptest::prelude::*;

    fn data(samples: &[(i64, f64)]) -> SlabData {
        let samples =
            samples.iter().map(|(timestamp, value)| Sample { timestamp: *timestamp, value: *value });
        let labels = Labels::from_pairs([("__name__", "m"), ("a", "b")]);
        SlabData::from_series(&[Series { labels, samples: samples.collect(), ..Series::default() }])
    }

    const START: i64 = 1_763_510_400_000;

    #[test]
    fn what_is_not_plain_is_not_taken_for_it() {
        let plain = |samples: &[(i64, f64)]| {
            let data = data(samples);
            data.raw_at(0).and_then(|raw| raw.plain_samples().map(|plain| plain.count()))
        };
        assert_eq!(plain(&[(START, 1.0), (START + 1, 0.0)]), Some(2));
        for other in
            [&[][..], &[(START, 1.0), (START, 1.0)], &[(START, 1.0), (1, 1.0)], &[(1, 1.0), (START, 1.0)]]
        {
            assert_eq!(plain(other), None, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_what_a_survey_finds(
            times in prop::collection::vec((prop_oneof![START..START + 30, -50i64..50], 0u64..4), 0..20),
        ) {
            let mut times = times;
            times.sort_unstable();
            let written: Vec<_> = times.iter().map(|(at, bits)| (*at, *bits)).collect();
            let labels = data(&[]);
            let labels = labels.raw_at(0).unwrap().bytes();
            let mut slab = SlabData::default();
            slab.append_samples(labels, &written, written.is_sorted_by(|a, b| a.0 < b.0));
            let raw = slab.raw_at(0).unwrap();
            let survey = RawSeries::survey(Reader::new(raw.bytes(), 0)).unwrap();
            prop_assert_eq!(raw.summary(), survey.summary());
            let read: Vec<_> = raw.samples().map(|sample| (sample.timestamp, sample.value.to_bits())).collect();
            prop_assert_eq!(read, written);
        }

        #[test]
        fn plain_samples_say_what_decoding_says(
            times in prop::collection::btree_set(START..START + 500, 1..40),
            others in prop::collection::btree_set(START..START + 500, 1..40),
            change in prop::option::of((0usize..40, 0u32..64)),
        ) {
            let of = |times: &std::collections::BTreeSet<i64>| -> Vec<(i64, f64)> {
                times.iter().map(|at| (*at, *at as f64)).collect()
            };
            let one = of(&times);
            let mut other = one.clone();
            if let Some((at, bit)) = change {
                let at = at % other.len();
                other[at].1 = f64::from_bits(other[at].1.to_bits() ^ (1 << bit));
            }
            let data = [data(&one), data(&other), data(&of(&others))];
            let [one_plain, other_plain, third] =
                [0, 1, 2].map(|at: usize| data[at].raw_at(0).unwrap().plain_samples().unwrap());
            prop_assert_eq!(one_plain.count(), one.len());
            let read: Vec<_> = (0..one.len()).filter_map(|at| one_plain.at(at)).collect();
            prop_assert_eq!(&read, &times.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(one_plain.at(one.len()), None);
            prop_assert_eq!([one_plain.first_ms(), one_plain.last_ms()], [read[0], read[read.len() - 1]]);
            prop_assert_eq!(one_plain.is_same(&other_plain), change.is_none());
            prop_assert_eq!(one_plain.is_same(&third), times == others);
        }
    }
}
