//! Services and their methods, found by name and printed.

use super::lexer::At;
use crate::call::Wrong;
use crate::call::thrift::to_value::instead;
use crate::call::thrift::types::{Field, Schema, Struct, Type};

/// What a file and those that it includes declare.
#[derive(Debug)]
pub(in super::super) struct Idl {
    pub(in super::super) schema: Schema,
    pub(super) services: Vec<Service>,
    /// The services that can be called, sorted; those of included files with the file's name before a dot.
    pub(super) names: Vec<(String, usize)>,
}

#[derive(Debug)]
pub(in super::super) struct Service {
    pub(super) name: String,
    /// The service whose methods it has too, and where it says so.
    pub(super) extends: Option<(usize, usize, At)>,
    pub(super) methods: Vec<Method>,
}

#[derive(Debug)]
pub(in super::super) struct Method {
    pub(in super::super) name: String,
    pub(in super::super) one_way: bool,
    /// The struct of its parameters.
    pub(super) parameters: usize,
    /// The struct of the exceptions that it declares.
    pub(super) throws: usize,
    /// None for void.
    pub(in super::super) result: Option<Type>,
}

impl Idl {
    /// The service of this name. It may be written with a package before it, which is what multiplexed names often have.
    pub(in super::super) fn service(&self, name: &str) -> Result<&Service, Wrong> {
        let last = name.rsplit_once('.').map(|(_, last)| last);
        let named = |name: &str| self.names.iter().find(|(known, _)| known == name);
        let found = named(name).or_else(|| named(last?));
        let found = found.and_then(|(_, at)| self.services.get(*at));
        found.ok_or_else(|| {
            let instead = instead(name, self.service_names());
            Wrong::url(format!("there is no service `{name}`; {instead}"))
        })
    }

    /// The services that can be called.
    pub(in super::super) fn service_names(&self) -> impl Iterator<Item = &str> + Clone {
        self.names.iter().map(|(name, _)| name.as_str())
    }

    /// A service's method, its own or of those that it extends.
    pub(in super::super) fn method(&self, of: &Service, name: &str) -> Result<&Method, Wrong> {
        let methods = self.methods(of);
        let found = methods.iter().find(|method| method.name == name);
        found.copied().ok_or_else(|| {
            let names = methods.iter().map(|method| method.name.as_str());
            let instead = instead(name, names);
            Wrong::url(format!("`{}` has no method `{name}`; {instead}", of.name))
        })
    }

    /// All methods of a service. That no service extends itself was checked.
    pub(in super::super) fn methods(&self, of: &Service) -> Vec<&Method> {
        let mut methods = Vec::new();
        let mut next = self
            .services
            .iter()
            .find(|service| std::ptr::eq(*service, of));
        while let Some(service) = next {
            methods.extend(&service.methods);
            next = service.extends.and_then(|(at, ..)| self.services.get(at));
        }
        methods
    }

    /// The parameters of a method.
    pub(in super::super) fn parameters(&self, method: &Method) -> Option<&Struct> {
        self.schema.structs.get(method.parameters)
    }

    /// The exceptions that a method declares.
    pub(in super::super) fn throws(&self, method: &Method) -> &[Field] {
        let found = self.schema.structs.get(method.throws);
        found.map(|of| of.fields.as_slice()).unwrap_or_default()
    }

    /// A method as a file has it.
    pub(in super::super) fn line(&self, method: &Method) -> String {
        let one_way = if method.one_way { "oneway " } else { "" };
        let result = match &method.result {
            Some(of) => self.told(of),
            None => "void".to_owned(),
        };
        let parameters = self.parameters(method).map(|of| self.fields(&of.fields));
        let throws = match self.throws(method) {
            [] => String::new(),
            fields => format!(" throws ({})", self.fields(fields)),
        };
        let parameters = parameters.unwrap_or_default();
        format!("{one_way}{result} {}({parameters}){throws}", method.name)
    }

    fn fields(&self, fields: &[Field]) -> String {
        let fields = fields.iter();
        let fields =
            fields.map(|field| format!("{}: {} {}", field.id, self.told(&field.of), field.name));
        fields.collect::<Vec<_>>().join(", ")
    }

    /// A type by the name it has in its file.
    pub(in super::super) fn told(&self, of: &Type) -> String {
        let named = match of {
            Type::Struct(at) => self.schema.structs.get(*at).map(|of| &of.name),
            Type::Enum(at) => self.schema.enums.get(*at).map(|of| &of.name),
            Type::List(of) => return format!("list<{}>", self.told(of)),
            Type::Set(of) => return format!("set<{}>", self.told(of)),
            Type::Map(key, of) => return format!("map<{}, {}>", self.told(key), self.told(of)),
            _ => None,
        };
        named.map_or_else(|| of.to_string(), String::clone)
    }
}
