//! Which of the two wire forms a body is in.

/// A wire form of Hessian 2. The bytes do not name it; the protocol around them does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Dialect {
    /// Hessian 2.0 as published: Dubbo, sofa-hessian 4.x, hessian.js 2.x.
    #[default]
    Final,
    /// What hessian libraries 3.x write: sofa-hessian 3.x (SOFARPC's default), hessian.js 1.x.
    Draft,
}

impl Dialect {
    /// The dialect of a body whose first value is known to be an object that nothing precedes, as in a
    /// Bolt `SofaRequest` or `SofaResponse`: such a body starts with a class definition, whose tag is
    /// `O` in the draft and `C` in the final form. `None` for any other first byte.
    pub fn of_object_body(first: u8) -> Option<Self> {
        match first {
            b'O' => Some(Self::Draft),
            b'C' => Some(Self::Final),
            _ => None,
        }
    }
}
