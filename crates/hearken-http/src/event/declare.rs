//! Declares a set of events.
//!
//! Here: [`events`]. Its callers: `event/server_events.rs`, `event/message_events.rs`.

/// Declares a trait for a set of events, a type for each event with the argument of its listeners, and the struct that holds
/// the listeners. In brackets: the trait and the bounds of a listener.
macro_rules! events {
    (@impl [$Fn:ident $(+ $bound:ident)*] <$l:lifetime> $args:ty) => {
        impl for<$l> $Fn($args) $(+ $bound)* + 'static
    };
    (@dyn [$Fn:ident $(+ $bound:ident)*] <$l:lifetime> $args:ty) => {
        Box<dyn for<$l> $Fn($args) $(+ $bound)*>
    };
    (
        $(#[$set:meta])*
        trait $Event:ident;
        listeners $Listeners:ident: $bounds:tt;
        $($(#[$doc:meta])* $name:ident, $field:ident, <$l:lifetime> $args:ty = $shown:literal $(, if $feature:literal)?;)*
    ) => {
        $(#[$set])*
        pub trait $Event: sealed::Event {}

        #[doc(hidden)]
        pub(super) mod sealed {
            //! Closes the set of events.

            use super::$Listeners;

            /// An event with the argument and the list of its listeners.
            pub trait Event {
                /// The argument of a listener.
                type Args<'a>;
                /// Adds a listener.
                fn add(
                    self,
                    listener: $crate::event::declare::events!(@impl $bounds <'a> Self::Args<'a>),
                    listeners: &mut $Listeners,
                );
            }
        }

        $(
            $(#[$doc])*
            #[doc = ""]
            #[doc = concat!("The argument of its listeners is a `", $shown, "`.")]
            $(#[cfg(feature = $feature)])?
            #[derive(Clone, Copy, Debug, PartialEq, Eq)]
            #[expect(clippy::exhaustive_structs, reason = "a name without data")]
            pub struct $name;

            $(#[cfg(feature = $feature)])?
            impl $Event for $name {}

            $(#[cfg(feature = $feature)])?
            impl sealed::Event for $name {
                type Args<$l> = $args;
                fn add(
                    self,
                    listener: $crate::event::declare::events!(@impl $bounds <$l> $args),
                    listeners: &mut $Listeners,
                ) {
                    listeners.$field.push(Box::new(listener));
                }
            }
        )*

        /// The listeners of a set of events, by event.
        #[derive(Default)]
        #[doc(hidden)]
        pub struct $Listeners {
            $(
                $(#[cfg(feature = $feature)])?
                pub(crate) $field: Vec<$crate::event::declare::events!(@dyn $bounds <$l> $args)>,
            )*
        }

        impl $Listeners {
            /// Adds listeners after the present ones.
            pub fn append(&mut self, mut new: Self) {
                $(
                    $(#[cfg(feature = $feature)])?
                    self.$field.append(&mut new.$field);
                )*
            }
        }

        impl std::fmt::Debug for $Listeners {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($Listeners))
            }
        }
    };
}

pub(crate) use events;
