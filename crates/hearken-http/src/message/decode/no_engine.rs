//! The codings of a build without the feature `decompress`: none.

use super::{DecodeError, Step};
use std::fmt;

pub(super) const ACCEPTED: &str = "";

/// None.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Coding {}

pub(super) enum Engine {}

impl Coding {
    pub(super) fn named(_name: &[u8]) -> Option<Self> {
        None
    }
}

impl fmt::Display for Coding {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {}
    }
}

impl Engine {
    pub(super) fn new(coding: Coding) -> Self {
        match coding {}
    }

    pub(super) fn step(&mut self, _: &[u8], _: &mut [u8]) -> Result<Step, DecodeError> {
        match *self {}
    }

    pub(super) fn is_complete(&self) -> bool {
        match *self {}
    }
}
