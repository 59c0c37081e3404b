//! What a GraphQL engine needs so that it takes exactly the requests that [`decode`](crate::decode()) takes.

mod scalars;
