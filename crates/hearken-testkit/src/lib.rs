//! What the tests of Hearken share.
