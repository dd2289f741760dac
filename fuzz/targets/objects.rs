//! Kubernetes objects: a refusal names a line of the file, no pin changes nothing, and a file whose
//! images are pinned is the same objects with each image by its digest.
#![no_main]

use libfuzzer_sys::fuzz_target;
use sealift::admission::{Objects, Pin};
use sealift::digest::Digest;
use sealift_fuzz::LIMITS;

fuzz_target!(|bytes: &[u8]| {
    let objects = match Objects::parse(bytes, "objects.yaml", &LIMITS) {
        Ok(objects) => objects,
        Err(error) => {
            let lines = bytes.split(|byte| *byte == b'\n').count();
            assert!(error.line.is_none_or(|line| (1..=lines).contains(&line)), "{error}");
            return;
        }
    };
    assert_eq!(objects.pinned(&[]).map(String::into_bytes), Ok(bytes.to_vec()));
    let digest = Digest::sha256(b"");
    let images = || {
        objects
            .objects()
            .iter()
            .flat_map(|object| object.images.named().iter().map(move |image| (object, image)))
    };
    let pins =
        images().filter_map(|(object, image)| Pin::new(object, image, &digest).ok().flatten());
    let Ok(pinned) = objects.pinned(&pins.collect::<Vec<_>>()) else { return };
    let again = Objects::parse(pinned.as_bytes(), "objects.yaml", &LIMITS).expect("it was checked");
    assert_eq!(again.objects().len(), objects.objects().len());
    let pulled: Vec<_> = again
        .objects()
        .iter()
        .flat_map(|object| object.images.named())
        .map(|image| &image.pulled)
        .collect();
    assert_eq!(pulled.len(), images().count());
    assert!(pulled.iter().all(|image| image.contains('@')), "{pulled:?}");
});
