//! `Option` of an argument that does not say when it is missing.
use hearken::app::{HeadOnly, prelude::*};

struct Token;

impl Extract for Token {
    type Reads = HeadOnly;

    async fn extract(_req: &IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
        Ok(Self)
    }
}

fn main() {
    let mut app = App::new();
    app.get("/", extract(async |_token: Option<Token>| "hello"));
}
