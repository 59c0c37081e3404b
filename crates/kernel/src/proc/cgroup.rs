//! The control groups of a process.

use memchr::memmem;

use super::lines;

/// The pod of a process, from its `/proc/<pid>/cgroup` (cgroups(7)): the 32 hexadecimal digits of the UID (of a
/// static pod: of its configuration's hash) as a number. `None` for a process outside pods.
///
/// The kubelet (`pkg/kubelet/cm` of Kubernetes) names a pod's control group in one of two ways, in version 1 and 2
/// alike and with a class (`burstable`, `besteffort`) or, for a guaranteed pod, without:
///
/// * driver cgroupfs: `/kubepods/burstable/pod<uid>/…`
/// * driver systemd: `/kubepods.slice/…/kubepods-burstable-pod<uid>.slice/…`, the UID with underscores for dashes,
///   and the name of the outer group in front where the kubelet runs below one
///
/// The pod need not be below the reader's root: relative paths (`/../../pod<uid>/…`) are read alike. In a node that
/// is a container itself the path holds a pod of the outer cluster and one of the inner; the innermost, which is the
/// last, wins. So does the first line that holds one: all hierarchies name the same pod.
pub fn pod_uid(cgroup: &[u8]) -> Option<u128> {
    lines(cgroup).find_map(|line| {
        // hierarchy:controllers:path
        let path = line.splitn(3, |byte| *byte == b':').nth(2)?;
        path.rsplit(|byte| *byte == b'/').find_map(pod_of_group)
    })
}

/// The pod of one control group, by its name.
pub(crate) fn pod_of_group(name: &[u8]) -> Option<u128> {
    if let Some(rest) = name.strip_prefix(b"pod") {
        let (uid, rest) = leading_uid(rest)?;
        return rest.is_empty().then_some(uid);
    }
    memmem::find(name, b"kubepods")?;
    let marker = b"-pod";
    let place = memmem::rfind(name, marker)? + marker.len();
    let (uid, rest) = leading_uid(name.get(place..)?)?;
    // A container runtime that does not use systemd while the kubelet does adds `:cri-containerd:<id>`.
    rest.starts_with(b".slice").then_some(uid)
}

/// Exactly 32 hexadecimal digits, with dashes or underscores among them, and what is behind.
fn leading_uid(text: &[u8]) -> Option<(u128, &[u8])> {
    let mut uid = 0_u128;
    let mut digits = 0;
    let mut rest = text;
    while let Some((byte, behind)) = rest.split_first() {
        match char::from(*byte).to_digit(16) {
            Some(_) if digits == 32 => return None,
            Some(digit) => {
                uid = uid << 4 | u128::from(digit);
                digits += 1;
            }
            None if matches!(byte, b'-' | b'_') => {}
            None => break,
        }
        rest = behind;
    }
    (digits == 32).then_some((uid, rest))
}
