//! No binary that ships holds a planted bug: see core/src/mutants.rs.

/// What every binary of `cargo planted` holds; spelt backwards, so that this one does not.
const BACKWARDS: &[u8] = b"sgub s'tahckcab sdloh dliub siht";

#[test]
fn the_server_and_the_client_hold_no_planted_bug() {
    const { assert!(!backchat_core::mutants::BUILT) };
    let mark: Vec<u8> = BACKWARDS.iter().rev().copied().collect();
    for path in [env!("CARGO_BIN_EXE_backchat-server"), env!("CARGO_BIN_EXE_backchat-client")] {
        let binary = std::fs::read(path).expect("it was built");
        assert!(binary.windows(8).any(|it| it == b"backchat"), "{path} was read");
        assert!(!binary.windows(mark.len()).any(|it| it == mark), "{path} holds planted bugs");
    }
}
